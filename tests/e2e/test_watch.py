# SPDX-License-Identifier: Apache-2.0
"""watch: the rows that stand, then each change as it happens."""
import json
import signal

import harness


class Watch(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.gateway = self.server()
        self.target = ("--target", self.gateway.url)

    def watch(self, *arguments, store=None):
        context = ("--store", self.path(store), *self.target) if store else self.target
        return self.start(*context, "watch", *arguments)

    @staticmethod
    def seen(watching, count):
        """The first `count` changes, once they are there."""
        harness.wait_until(lambda: len(watching.lines) >= count, f"{count} changes of {watching.lines}")
        return [json.loads(line) for line in watching.lines]

    def test_rows_that_stand_come_first_then_changes(self):
        self.gridctl(*self.target, "put", "m", "a", '{"x":1}')
        for store in (None, "store"):
            with self.subTest(store=store):
                watching = self.watch("m", store=store)
                first = self.seen(watching, 1)[0]
                self.assertEqual((first["map"], first["key"], first["value"]), ("m", "a", {"x": 1}))
                self.assertRegex(first["stamp"], r"\A\d{4}-\d\d-\d\dT[\d:.]{12}Z\.[0-9a-f]{4}\.[0-9a-f]{16}\Z")
                self.gridctl(*self.target, "put", "m", "b", "2")
                self.assertEqual(self.seen(watching, 2)[1]["value"], 2)
                self.gridctl(*self.target, "rm", "m", "b")
                removed = self.seen(watching, 3)[2]
                self.assertEqual((removed["key"], removed["value"], removed["removed"]), ("b", None, True))
                self.assertEqual(watching.stop(signal.SIGINT), 0)

    def test_only_keys_with_the_prefix(self):
        watching = self.watch("m", "be")
        for key in ("a", "bench/1", "fan", "bell"):
            self.gridctl(*self.target, "put", "m", key, "1")
        self.assertEqual([change["key"] for change in self.seen(watching, 2)], ["bench/1", "bell"])

    def test_a_row_that_expires_is_told(self):
        for store in (None, "store"):
            with self.subTest(store=store):
                watching = self.watch("brief", store=store)
                self.gridctl(*self.target, "put", "brief", "a", "1", "--ttl", "1s")
                self.assertEqual(self.seen(watching, 1)[0]["value"], 1)
                gone = self.seen(watching, 2)[1]
                self.assertEqual((gone["key"], gone["value"], gone["removed"]), ("a", None, True))

    def test_count_ends_it(self):
        self.gridctl(*self.target, "import", "m", self.file("a.csv", "id\n1\n2\n3\n4\n5\n"))
        watching = self.watch("m", "--count", "3")
        self.assertEqual(watching.ended(), 0)
        self.assertEqual([json.loads(line)["key"] for line in watching.lines], ["1", "2", "3"])

    def test_a_duration_ends_it(self):
        watching = self.watch("m", "--for", "200ms")
        self.assertEqual(watching.ended(), 0)
        self.assertEqual(watching.lines, [])

    def test_it_goes_on_when_the_gateway_returns(self):
        watching = self.watch("m", store="store")
        self.gridctl(*self.target, "put", "m", "a", "1")
        self.seen(watching, 1)
        self.gateway.stop()
        again = self.server(listen=self.gateway.listen())
        self.gridctl("--target", again.url, "put", "m", "b", "2")
        self.assertEqual(self.seen(watching, 2)[1]["key"], "b")


if __name__ == "__main__":
    harness.main()
