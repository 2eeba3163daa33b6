# SPDX-License-Identifier: Apache-2.0
"""Stores that hold the rows of a predicate and no others: sync --where, and watch --where over restarts."""
import json
import signal

import harness

WARM = "temp >= 20"


def number(row):
    return int(row["key"].split("/")[1])


class Partial(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.gateway = self.server()
        self.address = self.gateway.listen()
        self.there = ("--target", self.gateway.url)
        self.here = ("--store", self.path("warm"), "--target", self.gateway.url)
        rows = "".join(json.dumps({"key": f"bench/{i}", "value": {"temp": i}}) + "\n" for i in range(40))
        self.gridctl(*self.there, "import", "climate", self.file("rows.ndjson", rows))
        self.gridctl(*self.there, "put", "other", "x", "1")

    def put(self, key, temp):
        self.gridctl(*self.there, "put", "climate", f"bench/{key}", json.dumps({"temp": temp}))

    def sync(self, where=WARM):
        return json.loads(self.gridctl(*self.here, "sync", "--map", "climate", "--where", where, "-o", "json"))

    def held(self):
        out = self.gridctl("--store", self.path("warm"), "--offline", "ls", "climate", "-o", "ndjson")
        return {number(row): row["value"]["temp"] for row in map(json.loads, out.splitlines())}

    def restart_gateway(self):
        self.assertLess(self.gateway.stop(signal.SIGKILL), 0)
        self.gateway = self.server(listen=self.address)

    def change_some(self):
        """Two rows enter, two leave, one changes, one is removed; returns what is to be held then."""
        for key, temp in ((1, 25), (2, 26), (38, 3), (39, 4), (30, 31)):
            self.put(key, temp)
        self.gridctl(*self.there, "rm", "climate", "bench/37")
        held = {i: i for i in range(20, 37)}
        held.update({1: 25, 2: 26, 30: 31})
        return held

    # PROTOCOL P13, P22
    def test_a_store_holds_exactly_what_the_predicate_accepts_over_restarts_of_both_ends(self):
        self.assertEqual(self.sync()["cells_pulled"], 20)
        self.assertEqual(self.held(), {i: i for i in range(20, 40)})
        expected = self.change_some()
        self.restart_gateway()
        moved = self.sync()
        self.assertTrue(moved["converged"])
        self.assertEqual(self.held(), expected)
        self.assertLess(moved["cells_pulled"], 12, "it goes on from its cursor")
        self.assertEqual(self.sync()["cells_pulled"], 0)
        subs = json.loads(self.gridctl("--store", self.path("warm"), "subs", "-o", "json"))
        self.assertEqual([(sub["scope"], sub["map"], sub["text"], sub["next"]) for sub in subs],
                         [("where", "climate", WARM, "resumes")])
        self.assertGreater(subs[0]["position"], 40)
        # What has left here stays there.
        kept = self.gridctl(*self.there, "get", "climate", "bench/38", "-o", "json")
        self.assertEqual(json.loads(kept)["temp"], 3)

    def test_a_server_tells_what_its_links_are_subscribed_to(self):
        self.assertEqual(json.loads(self.gridctl(*self.there, "subs", "-o", "json")), [])
        watch = self.start(*self.there, "watch", "climate", "--where", WARM)
        harness.wait_until(lambda: len(watch.lines) >= 20, f"20 lines of {watch.lines}")
        (link,) = json.loads(self.gridctl(*self.there, "subs", "-o", "json"))
        told = {name: link[name] for name in ("scope", "map", "text", "held", "sent", "behind", "coalesced")}
        self.assertEqual(told, {"scope": "where", "map": "climate", "text": WARM, "held": 20, "sent": 20, "behind": 0,
                                "coalesced": 0})
        watch.stop(signal.SIGKILL)

    def test_another_predicate_takes_the_place_of_the_first(self):
        self.sync()
        self.sync("temp < 3")
        self.assertEqual(self.held(), {0: 0, 1: 1, 2: 2})
        self.gridctl("--store", self.path("warm"), "--offline", "put", "climate", "bench/50", '{"temp": 50}')
        self.assertEqual(self.sync("temp < 3")["cells_pushed"], 1)
        self.assertEqual(self.held(), {0: 0, 1: 1, 2: 2}, "what is not its own is kept until it is sent")
        self.assertIn('"temp":50', self.gridctl(*self.there, "get", "climate", "bench/50"))

    def test_a_watch_goes_on_over_restarts_of_both_ends_and_tells_what_changed_meanwhile(self):
        def watch(lines):
            watching = self.start(*self.here, "watch", "climate", "--where", WARM)
            harness.wait_until(lambda: len(watching.lines) >= lines, f"{lines} lines of {watching.lines}")
            return watching

        def told(lines):
            changes = [json.loads(line) for line in lines]
            return {number(change): (change["change"], change.get("value", {}).get("temp")) for change in changes}

        self.assertLess(watch(20).stop(signal.SIGKILL), 0)
        expected = self.change_some()
        self.restart_gateway()
        watching = watch(len(expected))
        self.assertEqual(told(watching.lines), {key: ("enter", temp) for key, temp in expected.items()})
        self.restart_gateway()
        for key, temp in ((3, 33), (1, 2)):
            self.put(key, temp)
        harness.wait_until(lambda: len(watching.lines) >= len(expected) + 2, f"two rows more of {watching.lines}")
        self.assertEqual(told(watching.lines[len(expected):]), {3: ("enter", 33), 1: ("leave", None)})
        self.assertEqual(watching.stop(signal.SIGINT), 0)

    def test_what_is_wrong_is_said_before_anything_is_opened(self):
        for arguments in (("--where", WARM), ("--map", "a", "--map", "b", "--where", WARM)):
            self.assertIn("--map MAP once", self.gridctl_fails(2, *self.here, "sync", *arguments).err)
        refused = self.gridctl_fails(2, *self.here, "sync", "--map", "climate", "--where", "temp >").err
        self.assertIn("column 7", refused)
        long = " or ".join(f"temp = {i}" for i in range(40))
        self.assertIn("up to 256", self.gridctl_fails(2, *self.here, "sync", "--map", "climate", "--where", long).err)


if __name__ == "__main__":
    harness.main()
