# SPDX-License-Identifier: Apache-2.0
"""search: the index of a real gridd follows its rows through changes, expiry, kill -9 and other configurations, and
gridctl tells what it finds, live too."""
import json
import random
import signal
import sqlite3

import harness

FIELDS = ("--search", "notes:title,body,tags")
ROWS = {
    "n/1": {"title": "Oslo office", "body": "The heater is broken", "tags": ["cold room", "urgent"]},
    "n/2": {"title": "Bergen", "body": "It rains; the gutters hold"},
    "n/3": {"title": "Crème brûlée", "body": "for the party in Oslo", "count": 7},
    "n/4": "no record",
}


class Search(harness.GridTest):
    def gateway(self, *arguments, **options):
        return self.server(arguments=arguments or FIELDS, **options)

    def fill(self, server, rows=None):
        lines = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in (rows or ROWS).items())
        self.gridctl("--target", server.url, "import", "notes", self.file("rows.ndjson", lines))

    def ask(self, server, text, *arguments):
        return json.loads(self.gridctl("--target", server.url, "-o", "json", "search", "notes", *arguments, "--", text))

    def keys(self, server, text, *arguments):
        return [hit["key"] for hit in self.ask(server, text, *arguments)["hits"]]

    def until(self, server, text, expected):
        harness.wait_until(lambda: sorted(self.keys(server, text)) == sorted(expected), f"{text} finds {expected}")

    def fails(self, code, server, *arguments):
        return self.gridctl_fails(code, "--target", server.url, "search", *arguments).err

    def tables(self, data="gateway"):
        with sqlite3.connect(self.path(data) + "/apps/default/cells.sqlite") as database:
            return [name for name, in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'search%'")]

    def test_what_is_written_is_found_and_what_is_changed_is_found_anew(self):
        server = self.gateway()
        self.fill(server)
        self.until(server, "oslo", ["n/1", "n/3"])
        answer = self.ask(server, "brulee")
        self.assertEqual(answer["hits"][0]["highlights"], {"title": ["Crème ", "brûlée", ""]})
        self.assertEqual((answer["through"], answer["head"], answer["building"]), (4, 4, False))
        self.assertEqual(self.keys(server, '"room urgent"'), [])  # Two items.
        self.assertEqual(self.keys(server, '"cold room"'), ["n/1"])
        self.assertEqual(self.keys(server, "oslo -party"), ["n/1"])
        self.assertEqual(self.keys(server, "-party oslo"), ["n/1"])
        self.assertEqual(self.keys(server, "gut*"), ["n/2"])
        self.assertEqual(self.keys(server, "7 record"), [])
        self.gridctl("--target", server.url, "put", "notes", "n/1", '{"title": "Trondheim"}')
        self.gridctl("--target", server.url, "rm", "notes", "n/3")
        self.until(server, "oslo", [])
        self.until(server, "trondheim", ["n/1"])

    def test_what_expires_is_no_hit_any_more(self):
        server = self.gateway()
        self.gridctl("--target", server.url, "put", "notes", "n/1", '{"title": "Oslo"}')
        self.gridctl("--target", server.url, "put", "notes", "n/2", '{"title": "Oslo"}', "--ttl", "2s")
        self.until(server, "oslo", ["n/1", "n/2"])
        self.until(server, "oslo", ["n/1"])

    def test_pages_and_formats(self):
        server = self.gateway()
        self.fill(server, {f"n/{number:02}": {"title": " ".join(["oslo"] * (1 + number % 3))} for number in range(25)})
        harness.wait_until(lambda: len(self.keys(server, "oslo", "--limit", "1000")) == 25, "all are found")
        whole = self.keys(server, "oslo", "--limit", "1000")
        self.assertEqual(len(self.keys(server, "oslo")), 20)
        found, cursor = [], ()
        while cursor is not None:
            page = self.ask(server, "oslo", "--limit", "7", *cursor)
            found += [hit["key"] for hit in page["hits"]]
            cursor = ("--after", page["cursor"]) if page["cursor"] else None
        self.assertEqual(found, whole)
        for form, expected in (("raw", whole[0] + "\n"), ("table", f"KEY   TEXT\n{whole[0]}  title: [oslo]\n")):
            outcome = self.run_gridctl("--target", server.url, "-o", form, "search", "notes", "oslo", "--limit", "1")
            self.assertEqual(outcome.out.replace(" [oslo] [oslo]", ""), expected)
            self.assertRegex(outcome.err, r"there is more: --after [0-9a-f]{16}:n/\d\d\n")

    def test_what_cannot_be_asked_is_refused_by_name(self):
        server = self.gateway()
        self.assertIn("column 6: this quote is never closed", self.fails(2, server, "notes", 'oslo "x'))
        self.assertIn("column 1: there is no word", self.fails(2, server, "notes", " "))
        self.assertIn("only what is not to be there", self.fails(2, server, "notes", "--", "-oslo"))
        self.assertIn("column 3: a * stands behind", self.fails(2, server, "notes", "æ *"))
        self.assertIn("more than 32 words", self.fails(2, server, "notes", "a " * 33))
        self.assertIn("map doors has no search", self.fails(3, server, "doors", "oslo"))
        self.assertIn("longer than 512 bytes", self.fails(2, server, "notes", "a" * 513))
        self.assertIn("--after: that is no cursor", self.fails(2, server, "notes", "a", "--after", "x"))
        self.assertIn("--limit is at most 1000", self.fails(2, server, "notes", "a", "--limit", "1001"))
        self.assertIn("nothing to do --offline", self.gridctl_fails(2, "--offline", "search", "notes", "a").err)
        # Nothing of FTS5's language is an expression here.
        for text in ("title : oslo", "oslo AND", "NEAR(a b)", "^oslo", "{title}: a", "a + b", "(", "'; DROP TABLE x"):
            self.assertEqual(self.ask(server, text)["hits"], [])

    def test_a_configuration_that_can_not_be_is_refused_by_name(self):
        for text, expected in (("notes", "names no field"), ("no tes:a", "'no tes' is no name of a map"),
                               ("notes:", "a field of map notes has no name"),
                               ("notes:a,a", "field 'a' of map notes is named twice"),
                               ("notes:a b", "field 'a b' of map notes: column 3"),
                               ("notes:$key", "$key is no field")):
            done = harness.Process([harness.program("gridd"), "--dev", "--check-config", "--search", text])
            self.assertNotEqual(done.ended(), 0)
            self.assertIn(expected, "\n".join(done.errors))
        twice = harness.Process([harness.program("gridd"), "--dev", "--check-config", "--search", "notes:a", "--search",
                                 "notes:b"])
        self.assertNotEqual(twice.ended(), 0)
        self.assertIn("map notes is named twice", "\n".join(twice.errors))

    def test_switched_on_over_rows_it_is_built_and_switched_off_it_is_gone(self):
        server = self.server()
        self.fill(server)
        self.assertIn("this server has no search", self.fails(3, server, "notes", "oslo"))
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.tables(), [])
        server = self.gateway()
        self.until(server, "oslo", ["n/1", "n/3"])
        self.assertTrue(any("the search of map notes stands: 4 cells" in line for line in server.errors), server.errors)
        self.assertEqual(server.stop(), 0)
        self.assertIn("search_1", self.tables())
        server = self.gateway("--search", "notes:title")
        self.until(server, "oslo", ["n/1"])
        self.assertEqual(server.stop(), 0)
        self.assertEqual(self.server().stop(), 0)
        self.assertEqual(self.tables(), [])

    def test_rows_and_index_agree_after_kill_9(self):
        chance = random.Random(20261121)
        words = ["oslo", "bergen", "cold", "room", "heater"]
        rows = {}
        for _ in range(4):
            server = self.gateway()
            for _ in range(2):
                some = {f"n/{chance.randrange(300)}": {"title": " ".join(chance.choices(words, k=2)),
                                                       "body": " ".join(chance.choices(words, k=3))}
                        for _ in range(150)}
                self.fill(server, some)
                rows.update(some)
            server.stop(signal.SIGKILL)
        server = self.gateway()
        harness.wait_until(lambda: (lambda a: a["through"] == a["head"])(self.ask(server, "oslo")), "all is drained")
        for text in ("oslo", "cold heater", "bergen -room"):
            wanted, unwanted = text.replace("-", "").split(), [text.split("-")[1]] if "-" in text else []
            wanted = [word for word in wanted if word not in unwanted]
            expected = sorted(key for key, row in rows.items()
                              if all(word in (row["title"] + " " + row["body"]).split() for word in wanted)
                              and not any(word in (row["title"] + " " + row["body"]).split() for word in unwanted))
            self.assertEqual(sorted(self.keys(server, text, "--limit", "1000")), expected)

    def test_a_watch_is_told_what_changes_and_goes_on_behind_a_new_server(self):
        server = self.gateway()
        self.gridctl("--target", server.url, "put", "notes", "n/1", '{"title": "Oslo"}')
        self.until(server, "oslo", ["n/1"])
        watch = self.start("--target", server.url, "-o", "json", "search", "notes", "oslo", "--watch")

        def last():
            return [hit["key"] for hit in json.loads(watch.lines[-1])["hits"]] if watch.lines else None

        harness.wait_until(lambda: last() == ["n/1"], "the first answer")
        self.gridctl("--target", server.url, "put", "notes", "n/2", '{"title": "Oslo"}', "--ttl", "3s")
        harness.wait_until(lambda: sorted(last()) == ["n/1", "n/2"], "a row that comes")
        harness.wait_until(lambda: last() == ["n/1"], "a row that expires")
        count = len(watch.lines)
        self.gridctl("--target", server.url, "put", "notes", "n/3", '{"title": "Bergen"}')
        self.until(server, "bergen", ["n/3"])
        self.gridctl("--target", server.url, "put", "notes", "n/4", '{"title": "Oslo Oslo"}')
        harness.wait_until(lambda: "n/4" in last(), "another row")
        self.assertEqual(len(watch.lines), count + 1)  # Bergen is not its business.
        listen = server.listen()
        server.stop(signal.SIGKILL)
        server = self.gateway(listen=listen)
        self.gridctl("--target", server.url, "rm", "notes", "n/1")
        harness.wait_until(lambda: last() == ["n/4"], "what a new server says")

    def test_a_damaged_index_is_built_anew(self):
        server = self.gateway()
        self.fill(server, {f"n/{number}": {"title": f"oslo {number}"} for number in range(60)})
        harness.wait_until(lambda: len(self.keys(server, "oslo", "--limit", "100")) == 60, "all are found")
        with sqlite3.connect(self.path("gateway") + "/apps/default/cells.sqlite") as database:
            database.execute("UPDATE search_1_data SET block = x'00' WHERE id > 10")

        def found():
            outcome = self.run_gridctl("--target", server.url, "-o", "raw", "search", "notes", "oslo", "--limit", "100")
            return len(outcome.out.splitlines()) == 60

        harness.wait_until(found, "all are found again")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    harness.main()
