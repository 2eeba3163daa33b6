# SPDX-License-Identifier: Apache-2.0
"""Rules of a gateway's maps and what they refuse: dead letters, retried and discarded; and schemas of a replica."""
import json

import harness

RULES = """
[map.climate]
require = "temp between -60 and 125"
immutable = ["site"]

[map.seats]
first_write_wins = true
"""
SCHEMA = {"temp": {"type": "number", "required": True, "min": -60, "max": 125},
          "site": {"type": "text", "enum": ["Oslo", "Bergen"], "default": "Oslo"}}


class Policy(harness.GridTest):
    def rows(self, *arguments):
        return [json.loads(line) for line in self.gridctl(*arguments).splitlines()]

    def test_a_refused_write_is_rolled_back_and_lies_in_the_list_until_it_is_retried(self):
        rules = self.file("rules.toml", RULES)
        gateway = self.server(arguments=("--policy", rules))
        here = ("--target", gateway.url, "--store", self.path("store"))
        self.gridctl(*here, "put", "climate", "s1", '{"temp": 20, "site": "Oslo"}')
        refused = self.gridctl_fails(1, *here, "put", "climate", "s1", '{"temp": 400, "site": "Oslo"}')
        self.assertIn("climate/s1: not temp between -60 and 125", refused.err)
        self.assertEqual(json.loads(self.gridctl(*here, "get", "climate", "s1")), {"temp": 20, "site": "Oslo"})
        self.assertIn("site can't be changed",
                      self.gridctl_fails(1, *here, "put", "climate", "s1", '{"temp": 1, "site": "Bergen"}').err)

        letters = self.rows(*here, "deadletter", "ls")
        self.assertEqual([(one["outcome"], one["reason"]) for one in letters],
                         [("rejected", "invalid"), ("rejected", "conflict")])
        self.assertEqual(letters[0]["value"], {"temp": 400, "site": "Oslo"})
        shown = json.loads(self.gridctl(*here, "-o", "json", "deadletter", "show", str(letters[0]["id"])))
        self.assertEqual(shown["sentence"], "climate/s1: not temp between -60 and 125")

        # The same rule refuses it again; with the rule gone it gets through.
        self.gridctl_fails(1, *here, "deadletter", "retry", str(letters[0]["id"]))
        again = self.rows(*here, "deadletter", "ls")
        self.assertEqual(len(again), 2)
        at = gateway.listen()
        gateway.stop()
        self.server(listen=at)
        retried = next(one for one in again if one["reason"] == "invalid")
        self.gridctl(*here, "deadletter", "retry", str(retried["id"]))
        self.assertEqual(json.loads(self.gridctl(*here, "get", "climate", "s1"))["temp"], 400)
        self.gridctl(*here, "deadletter", "discard", str(letters[1]["id"]))
        self.gridctl_fails(3, *here, "deadletter", "discard", str(letters[1]["id"]))
        self.assertEqual(self.rows(*here, "deadletter", "ls"), [])

    def test_the_first_write_stands_for_everybody(self):
        gateway = self.server(arguments=("--policy", self.file("rules.toml", RULES)))
        first = ("--target", gateway.url, "--store", self.path("a"))
        second = ("--target", gateway.url, "--store", self.path("b"))
        self.gridctl(*second, "--offline", "put", "seats", "12A", '{"who": "earlier, but later here"}')
        self.gridctl(*first, "put", "seats", "12A", '{"who": "first"}')
        self.gridctl_fails(8, *second, "sync")
        self.assertEqual(json.loads(self.gridctl(*second, "get", "seats", "12A")), {"who": "first"})

    def test_a_file_of_rules_is_refused_where_it_is_wrong(self):
        for text, sentence in (("[map.m]\nrequre = 'a > 1'\n", ":2:1: unknown rule requre; did you mean require?"),
                               ("[map.m]\nrequire = 'a contain 1'\n", ":2:11: map m, require: column 3: "),
                               ("[map.m]\nmax_wins = 'a'\nmin_wins = 'b'\n", ":3:12: map m, min_wins: "),
                               ("[map.m\n", ":1:7: ")):
            path = self.file("rules.toml", text)
            ended = self.ended_gridd("--dev", "--check-config", "--policy", path)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(f"gridd: {path}{sentence}", ended.stderr)
        self.assertEqual(self.ended_gridd("--dev", "--check-config", "--policy",
                                          self.file("rules.toml", RULES)).returncode, 0)

    @staticmethod
    def ended_gridd(*arguments):
        import subprocess
        return subprocess.run([harness.program("gridd"), *arguments], capture_output=True, text=True, timeout=20)

    def test_a_schema_refuses_what_breaks_it_with_the_path_of_the_field(self):
        here = ("--store", self.path("store"), "--offline")
        self.gridctl(*here, "put", "climate", "old", '{"temp": "warm", "rack": 7}')
        self.gridctl(*here, "schema", "set", "climate", json.dumps(SCHEMA))
        self.assertEqual(json.loads(self.gridctl(*here, "schema", "show", "climate")), SCHEMA)
        self.gridctl(*here, "put", "climate", "s1", '{"temp": 20, "site": "Oslo", "unknown": [1]}')
        for value, sentence in (('{"temp": 400}', "climate/s1: temp: is greater than its range ends with"),
                                ('{"site": "Oslo"}', "climate/s1: temp: is required"),
                                ('{"temp": "warm"}', "climate/s1: temp: is to be number, and is text"),
                                ('{"temp": 1, "site": "Rome"}', "climate/s1: site: is none of what it may be"),
                                ("12", "climate/s1: the value is to be a record, and is integer")):
            self.assertIn(sentence, self.gridctl_fails(2, *here, "put", "climate", "s1", value).err)
        rows = self.file("rows.ndjson", '{"key": "s2", "value": {"temp": 1}}\n{"key": "s3", "value": {"temp": 999}}\n')
        self.assertIn("line 2: temp: ", self.gridctl_fails(2, *here, "import", "climate", rows).err)
        self.gridctl_fails(3, *here, "get", "climate", "s2")
        bad = self.run_gridctl(*here, "schema", "check", "climate")
        self.assertEqual(bad.code, 4)
        self.assertEqual(json.loads(bad.out), {"key": "old", "trouble": "temp: is to be number, and is text"})
        self.gridctl_fails(2, *here, "schema", "set", "climate", '{"temp": {"typ": "number"}}')
        self.gridctl(*here, "schema", "set", "climate", "{}")
        self.gridctl(*here, "put", "climate", "s1", "12")


if __name__ == "__main__":
    harness.main()
