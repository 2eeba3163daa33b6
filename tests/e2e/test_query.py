# SPDX-License-Identifier: Apache-2.0
"""query and watch --where: the rows that a predicate accepts, in order and page by page, offline and from a server."""
import json
import signal

import harness

ROWS = {
    "bench/1": {"site": "Oslo", "temp": 21.5, "tags": ["a", "b"]},
    "bench/2": {"site": "Bergen", "temp": 19},
    "bench/3": {"site": "Oslo", "temp": 30},
    "roof": 12,
}


class Query(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.here = ("--store", self.path("store"), "--offline")
        rows = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in ROWS.items())
        self.gridctl(*self.here, "import", "climate", self.file("rows.ndjson", rows))

    def keys(self, *arguments, context=None):
        out = self.gridctl(*(context or self.here), "query", "climate", *arguments)
        return [json.loads(line)["key"] for line in out.splitlines()]

    def refused(self, *arguments):
        return self.gridctl_fails(2, *self.here, "query", "climate", *arguments).err

    def test_a_predicate_an_order_and_a_limit(self):
        self.assertEqual(self.keys(), list(ROWS))
        self.assertEqual(self.keys("--where", "temp > 20 and site = 'Oslo'", "--order", "temp desc"),
                         ["bench/3", "bench/1"])
        self.assertEqual(self.keys("--where", "tags contains 'b' or $value = 12"), ["bench/1", "roof"])
        self.assertEqual(self.keys("--order", "temp, $key desc", "--limit", "2"), ["roof", "bench/2"])
        self.assertEqual(self.keys("--where", "nothing = 1"), [])

    def test_pages_go_on_where_the_last_one_ended_while_rows_change(self):
        for order, expected in (("temp desc", ["bench/3", "bench/1", "bench/2", "roof"]), ("$key", list(ROWS))):
            found, cursor = [], ()
            while cursor is not None:
                page = json.loads(self.gridctl(*self.here, "-o", "json", "query", "climate", "--order", order,
                                               "--limit", "1", "--where", "not gone = true", *cursor))
                found += [row["key"] for row in page["rows"]]
                cursor = ("--after", page["cursor"]) if page["cursor"] else None
                self.gridctl(*self.here, "put", "climate", "bench/0", '{"temp": 99, "gone": true}')
            self.assertEqual(found, expected)

    def test_formats(self):
        def out(form):
            return self.gridctl(*self.here, "-o", form, "query", "climate", "--where", "$key = 'roof'")
        self.assertEqual(out("raw"), "roof\n")
        self.assertEqual(out("ndjson"), '{"key":"roof","value":12}\n')
        self.assertEqual(out("table"), "KEY   VALUE\nroof  12\n")
        self.assertEqual(json.loads(out("json")), {"rows": [{"key": "roof", "value": 12}], "cursor": None})

    def test_explain_tells_the_plan_and_counts(self):
        plan = json.loads(self.gridctl(*self.here, "query", "climate", "--explain", "--where", "temp > 20"))
        self.assertEqual((plan["plan"], plan["looked_at"], plan["matched"], plan["sorted"]), ("scan", 4, 2, False))
        self.assertEqual(plan["why_no_index"], "no index is declared for this map")
        plan = json.loads(self.gridctl(*self.here, "query", "climate", "--explain",
                                       "--where", "$key starts with 'bench/'"))
        self.assertEqual((plan["plan"], plan["looked_at"]), ("keys", 3))

    def test_what_is_wrong_with_a_text_is_said_before_anything_is_asked(self):
        self.assertIn("--where: column 6: a comparison", self.refused("--where", "temp grater 20"))
        self.assertIn("did you mean contains?", self.refused("--where", "tags contain 'a'"))
        self.assertIn("text stands in quotes", self.refused("--where", "site = Oslo"))
        self.assertIn("--order: column 6", self.refused("--order", "temp down"))
        self.assertIn("--limit", self.refused("--limit", "0"))
        self.refused("--where", "")
        self.assertIn("empty", self.gridctl_fails(2, *self.here, "query", "").err)
        self.assertIn("column 7", self.gridctl_fails(2, *self.here, "watch", "climate", "--where", "temp >").err)
        self.refused("--where", "(" * 10_000)

    def test_a_cursor_of_another_query_and_a_damaged_one_are_refused(self):
        page = json.loads(self.gridctl(*self.here, "-o", "json", "query", "climate", "--limit", "1"))
        cursor = page["cursor"]
        self.assertEqual(self.keys("--after", cursor), ["bench/2", "bench/3", "roof"])
        self.assertIn("of another query", self.refused("--order", "temp", "--after", cursor))
        self.assertIn("of another query", self.refused("--where", "temp > 1", "--after", cursor))
        self.assertIn("damaged", self.refused("--after", cursor[:-1]))
        self.assertIn("damaged", self.refused("--after", "x" + cursor[1:]))

    def test_a_server_is_asked_where_there_is_no_store(self):
        server = self.server()
        self.gridctl("--target", server.url, "put", "climate", "a", '{"temp": 1}')
        self.gridctl("--target", server.url, "put", "climate", "b", '{"temp": 2}')
        self.assertEqual(self.keys("--where", "temp > 1", context=("--target", server.url)), ["b"])

    def test_a_watch_shows_only_what_is_accepted_and_tells_what_leaves(self):
        server = self.server()
        target = ("--target", server.url)
        self.gridctl(*target, "put", "climate", "a", '{"temp": 25}')
        watching = self.start(*target, "watch", "climate", "--where", "temp > 20")
        for key, value in (("b", '{"temp": 10}'), ("c", '{"temp": 30}'), ("a", '{"temp": 5}')):
            self.gridctl(*target, "put", "climate", key, value)
        self.gridctl(*target, "rm", "climate", "c")
        harness.wait_until(lambda: len(watching.lines) >= 4, f"4 changes of {watching.lines}")
        seen = [json.loads(line) for line in watching.lines]
        self.assertEqual([(line["key"], line["change"], line.get("value"), line.get("old")) for line in seen],
                         [("a", "enter", {"temp": 25}, None), ("c", "enter", {"temp": 30}, None),
                          ("a", "leave", None, {"temp": 25}), ("c", "leave", None, {"temp": 30})])
        self.assertEqual(watching.stop(signal.SIGINT), 0)

    def test_a_watch_gets_only_the_rows_of_its_predicate_and_what_leaves_it_stays_at_the_gateway(self):
        server = self.server()
        target = ("--target", server.url)
        rows = "".join(f'{{"key": "k{i}", "value": {{"n": {i}}}}}\n' for i in range(2000))
        self.gridctl(*target, "import", "climate", self.file("rows.ndjson", rows))
        watching = self.start(*target, "watch", "climate", "k1", "--where", "n >= 1995 or n = 10")
        harness.wait_until(lambda: len(watching.lines) >= 6, f"6 rows of {watching.lines}")
        self.gridctl(*target, "put", "climate", "k1999", '{"n": 3}')
        harness.wait_until(lambda: len(watching.lines) >= 7, "the row to leave")
        self.assertEqual(json.loads(watching.lines[-1])["change"], "leave")
        self.assertEqual(watching.stop(signal.SIGINT), 0)
        self.assertEqual(json.loads(self.gridctl(*target, "get", "climate", "k1999", "-o", "raw")), {"n": 3})


if __name__ == "__main__":
    harness.main()
