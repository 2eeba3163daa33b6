# SPDX-License-Identifier: Apache-2.0
"""put, get, rm, ls and export on a replica that has never seen a server."""
import json

import harness


class Rows(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.store = ("--store", self.path("store"), "--offline")

    def put(self, key, value, map_name="climate"):
        self.gridctl(*self.store, "put", map_name, key, json.dumps(value))

    def get(self, key, *options):
        return self.gridctl(*self.store, "get", "climate", key, *options)

    def test_a_value_comes_back_as_it_was_put(self):
        for value in (None, True, 0, -5, 9223372036854775807, 21.5, -0.25, 1e300, "", "ä\u2028\"\\\n", [], {},
                      [1, [2.5, None]], {"temp": 21.5, "fan": True, "tags": ["a", "b"], "deep": {"er": {"est": 1}}}):
            with self.subTest(value=value):
                self.put("k", value)
                self.assertEqual(json.loads(self.get("k")), value)

    def test_a_whole_number_stays_an_integer_and_a_fraction_stays_a_number(self):
        self.gridctl(*self.store, "put", "climate", "a", "1")
        self.gridctl(*self.store, "put", "climate", "b", "1.0")
        self.assertEqual(self.get("a"), "1\n")
        self.assertEqual(self.get("b"), "1.0\n")

    def test_bytes_timestamps_and_refs_come_back_as_such(self):
        for value in ({"$bytes": "AAEC/w=="}, {"$ref": "user/7"}):
            with self.subTest(value=value):
                self.put("k", value)
                self.assertEqual(json.loads(self.get("k")), value)

    def test_a_later_put_replaces_the_value(self):
        self.put("k", {"a": 1})
        self.put("k", {"b": 2})
        self.assertEqual(json.loads(self.get("k")), {"b": 2})

    def test_put_reads_the_value_from_stdin(self):
        self.gridctl(*self.store, "put", "climate", "k", "-", stdin='{"from": "stdin"}\n')
        self.assertEqual(json.loads(self.get("k")), {"from": "stdin"})

    def test_a_word_for_a_value_is_told_of_the_quotes_of_text(self):
        said = self.gridctl_fails(2, *self.store, "put", "climate", "k", "north").err
        self.assertIn("text stands in quotes: '\"north\"'", said)
        self.gridctl(*self.store, "put", "climate", "k", '"north"')
        self.assertNotIn("quotes:", self.gridctl_fails(2, *self.store, "put", "climate", "k", '{"a":}').err)

    def test_put_is_silent_unless_asked(self):
        self.assertEqual(self.gridctl(*self.store, "put", "climate", "k", "1"), "")
        said = json.loads(self.gridctl(*self.store, "put", "climate", "k", "2", "-o", "json"))
        self.assertEqual(said, {"map": "climate", "key": "k", "outcome": "pending"})

    def test_a_missing_key_is_not_found(self):
        self.assertIn("climate has no \"nope\"", self.gridctl_fails(3, *self.store, "get", "climate", "nope").err)
        self.gridctl_fails(3, *self.store, "rm", "climate", "nope")

    def test_a_removed_key_is_gone_once(self):
        self.put("k", 1)
        self.gridctl(*self.store, "rm", "climate", "k")
        self.gridctl_fails(3, *self.store, "get", "climate", "k")
        self.gridctl_fails(3, *self.store, "rm", "climate", "k")
        self.put("k", 2)
        self.assertEqual(self.get("k"), "2\n")

    def test_a_removed_key_without_a_server_leaves_nothing_in_ls(self):
        self.put("a", 1)
        self.put("b", 2)
        self.gridctl(*self.store, "rm", "climate", "a")
        self.assertEqual(self.gridctl(*self.store, "ls", "climate"), '{"key":"b","value":2}\n')

    def test_ls_lists_by_key_and_prefix(self):
        for key in ("bench/2", "bench/10", "fan/1", "bench"):
            self.put(key, key)
        keys = [row["key"] for row in self.run_gridctl(*self.store, "ls", "climate").lines()]
        self.assertEqual(keys, ["bench", "bench/10", "bench/2", "fan/1"])
        keys = [row["key"] for row in self.run_gridctl(*self.store, "ls", "climate", "bench/").lines()]
        self.assertEqual(keys, ["bench/10", "bench/2"])
        self.assertEqual(self.gridctl(*self.store, "ls", "climate", "zzz"), "")

    def test_ls_of_a_map_that_nobody_wrote_is_empty(self):
        self.assertEqual(self.gridctl(*self.store, "ls", "nothing"), "")
        self.assertEqual(self.gridctl(*self.store, "ls", "nothing", "-o", "json"), "[]\n")

    def test_maps_and_apps_see_nothing_of_each_other(self):
        self.put("k", "one")
        self.put("k", "two", map_name="other")
        self.assertEqual(self.get("k"), '"one"\n')
        self.gridctl("--offline", "--app", "farm", "put", "climate", "k", "1")
        self.gridctl_fails(3, "--offline", "--app", "mine", "get", "climate", "k")
        self.gridctl_fails(3, "--offline", "get", "climate", "k")

    def test_the_formats_of_get(self):
        self.put("k", {"temp": 21.5, "fan": True})
        self.assertEqual(self.get("k", "-o", "table"), "fan   true\ntemp  21.5\n")
        self.assertEqual(self.get("k", "-o", "json"), '{"fan":true,"temp":21.5}\n')
        self.put("k", "plain text")
        self.assertEqual(self.get("k", "-o", "raw"), "plain text\n")
        self.assertEqual(self.get("k", "-o", "ndjson"), '"plain text"\n')

    def test_the_formats_of_ls(self):
        self.put("a", 1)
        self.put("bcde", {"x": 2})
        self.assertEqual(self.gridctl(*self.store, "ls", "climate", "-o", "table"),
                         'KEY   VALUE\na     1\nbcde  {"x":2}\n')
        self.assertEqual(self.gridctl(*self.store, "ls", "climate", "-o", "raw"), "a\nbcde\n")
        rows = json.loads(self.gridctl(*self.store, "ls", "climate", "-o", "json"))
        self.assertEqual(rows, [{"key": "a", "value": 1}, {"key": "bcde", "value": {"x": 2}}])

    def test_a_terminal_shows_a_table(self):
        self.put("a", {"x": 2})
        self.assertEqual(self.on_terminal(*self.store, "ls", "climate"), 'KEY  VALUE\na    {"x":2}\n')
        self.assertEqual(self.on_terminal(*self.store, "get", "climate", "a"), "x  2\n")
        self.assertEqual(self.on_terminal(*self.store, "export", "climate"), '{"key":"a","value":{"x":2}}\n')

    def test_raw_bytes_come_out_as_they_are(self):
        self.put("k", {"$bytes": "aGkK"})
        self.assertEqual(self.get("k", "-o", "raw"), "hi\n")

    def test_options_may_stand_before_or_behind_the_verb(self):
        self.put("k", 1)
        self.assertEqual(self.gridctl("get", "climate", "k", *self.store), "1\n")

    def test_an_expired_row_is_gone(self):
        self.gridctl(*self.store, "put", "climate", "brief", "1", "--ttl", "1ms")
        self.gridctl(*self.store, "put", "climate", "long", "1", "--ttl", "100h")
        brief = (*self.store, "get", "climate", "brief")
        harness.wait_until(lambda: self.run_gridctl(*brief).code == 3, "the row expires")
        self.assertEqual(self.get("long"), "1\n")

    def test_the_default_store_is_in_the_data_home(self):
        self.gridctl("--offline", "put", "climate", "k", "1")
        self.assertTrue((self.folder / "share" / "grid" / "default").is_dir())
        self.assertEqual(self.gridctl("--offline", "get", "climate", "k"), "1\n")

    def test_status_and_merkle_offline(self):
        self.put("k", 1)
        status = json.loads(self.gridctl(*self.store, "status", "-o", "json"))
        self.assertEqual((status["ops_pending"], status["state"], status["reachable"]), (1, "disconnected", None))
        self.assertRegex(status["node"], r"\A[0-9a-f]{16}\Z")
        again = json.loads(self.gridctl(*self.store, "status", "-o", "json"))
        self.assertEqual(again, status)
        self.assertEqual(json.loads(self.gridctl(*self.store, "merkle", "-o", "json")),
                         [{"map": "climate", "cells": 0, "root": "0000000000000000"}],
                         "a pending write is not settled yet")
        self.assertIn(json.loads(self.gridctl(*self.store, "clock"))["quality"], ("drifted", "ntp"))


if __name__ == "__main__":
    harness.main()
