# SPDX-License-Identifier: Apache-2.0
"""import and export, and every kind of file that import refuses: with its line, and nothing of it kept."""
import json

import harness


class Import(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.store = ("--store", self.path("store"), "--offline")

    def imported(self, name, content, *options):
        """The rows of a map into which nothing but this file has been imported."""
        self.gridctl(*self.store, "import", "m", self.file(name, content), *options)
        return {row["key"]: row["value"] for row in self.run_gridctl(*self.store, "export", "m").lines()}

    def refused(self, name, content, *options):
        """What is said of a bad file, whose rows must not have been kept."""
        outcome = self.gridctl_fails(1, *self.store, "import", "m", self.file(name, content), *options)
        self.assertEqual(self.gridctl(*self.store, "export", "m"), "", "a row of a bad file was kept")
        return outcome.err.removeprefix("gridctl: ").replace(str(self.folder) + "/", "").rstrip("\n")


class Csv(Import):
    def test_a_column_is_a_field_and_cells_have_types(self):
        rows = self.imported("a.csv", "id,temp,fan,note,zip\nb1,21.5,true,,01234\nb2,-3,false,hello,99\n")
        self.assertEqual(rows, {"b1": {"id": "b1", "temp": 21.5, "fan": True, "zip": "01234"},
                                "b2": {"id": "b2", "temp": -3, "fan": False, "note": "hello", "zip": 99}})

    def test_what_only_looks_like_a_number_is_text(self):
        rows = self.imported("a.csv", "id,v\na,+1\nb,0x10\nc,1.\nd,.5\ne,nan\nf,1e999\ng,TRUE\n"
                                      "h,12345678901234567890\ni,1e3\n")
        values = {key: row["v"] for key, row in rows.items()}
        self.assertEqual(values, {"a": "+1", "b": "0x10", "c": "1.", "d": ".5", "e": "nan", "f": "1e999", "g": "TRUE",
                                  "h": "12345678901234567890", "i": 1000.0})

    def test_quotes_crlf_and_a_byte_order_mark(self):
        rows = self.imported("a.csv", b'\xef\xbb\xbfid,v,w\r\na,"x, ""y""\r\nz","7"\r\nb,"",true\r\n\r\n')
        self.assertEqual(rows, {"a": {"id": "a", "v": 'x, "y"\r\nz', "w": "7"}, "b": {"id": "b", "v": "", "w": True}})

    def test_a_last_line_needs_no_end(self):
        self.assertEqual(self.imported("a.csv", "id,v\na,1"), {"a": {"id": "a", "v": 1}})

    def test_the_key_is_the_named_column_or_id_or_key_or_the_first(self):
        cases = (("n,id,key\n1,2,3\n", (), "2"), ("n,key\n1,2\n", (), "2"), ("n,v\n1,2\n", (), "1"),
                 ("n,id\n007,2\n", ("--key", "n"), "007"))
        for content, options, key in cases:
            with self.subTest(content=content):
                self.store = ("--store", self.path("store" + key + content[:4]), "--offline")
                self.assertEqual(list(self.imported("a.csv", content, *options)), [key])

    def test_a_header_alone_is_no_rows(self):
        self.assertEqual(self.imported("a.csv", "id,v\n"), {})

    def test_ragged_rows(self):
        self.assertEqual(self.refused("a.csv", "id,v\na,1\nb\n"), "a.csv:3: 1 cell where the header has 2")
        self.assertEqual(self.refused("a.csv", "id,v\na,1,2\n"), "a.csv:2: 3 cells where the header has 2")

    def test_a_line_is_counted_through_quoted_line_ends(self):
        self.assertEqual(self.refused("a.csv", 'id,v\na,"1\n2\n3"\nb\n'), "a.csv:5: 1 cell where the header has 2")

    def test_a_missing_key(self):
        self.assertEqual(self.refused("a.csv", "id,v\na,1\n,2\n"), 'a.csv:3: no key: column "id" is empty')
        self.assertEqual(self.refused("a.csv", "id,v\na,1\n", "--key", "name"),
                         'a.csv:1: there is no column "name" to take the keys from')

    def test_duplicate_keys(self):
        self.assertEqual(self.refused("a.csv", "id,v\na,1\nb,2\na,3\n"), 'a.csv:4: the key "a" is on line 2 already')

    def test_invalid_utf8(self):
        self.assertEqual(self.refused("a.csv", b"id,v\na,1\nb,\xff\n"), "a.csv:3: not UTF-8")

    def test_bad_quotes(self):
        self.assertEqual(self.refused("a.csv", 'id,v\na,"1\nb,2\n'), "a.csv:2: a quote is opened and never closed")
        self.assertEqual(self.refused("a.csv", 'id,v\na,"1"x\n'), "a.csv:2: text behind a closing quote")
        self.assertEqual(self.refused("a.csv", 'id,v\na,1"x"\n'),
                         "a.csv:2: a quote inside a cell that does not begin with one")
        self.assertEqual(self.refused("a.csv", "id,v\na,1\rb,2\n"),
                         "a.csv:2: a carriage return without a line feed behind it")

    def test_a_bad_header(self):
        self.assertEqual(self.refused("a.csv", ""), "a.csv:1: there is no header: the file is empty")
        self.assertEqual(self.refused("a.csv", "id,,v\n1,2,3\n"), "a.csv:1: column 2 has no name")
        self.assertEqual(self.refused("a.csv", "id,v,v\n1,2,3\n"), 'a.csv:1: column 3 has the name of another: "v"')

    def test_oversized_keys_and_rows(self):
        self.assertEqual(self.refused("a.csv", f"id,v\n{'k' * 257},1\n"),
                         "a.csv:2: a key of 257 bytes is too long: 256 is the most")
        self.assertEqual(self.refused("a.csv", f"id,v\na,1\nb,{'x' * 1_048_577}\n"),
                         "a.csv:3: the row is too large: 1048576 bytes is the most")


class Json(Import):
    def test_ndjson_and_arrays(self):
        for name, content in (("a.ndjson", '{"id":"a","v":1}\n\n{"id":7,"v":[2]}\r\n'),
                              ("a.json", '[\n {"id":"a","v":1},\n {"id":7,"v":[2]}\n]\n'),
                              ("unnamed", '[{"id":"a","v":1},{"id":7,"v":[2]}]')):
            with self.subTest(name=name):
                self.store = ("--store", self.path("store-" + name), "--offline")
                self.assertEqual(self.imported(name, content), {"a": {"id": "a", "v": 1}, "7": {"id": 7, "v": [2]}})

    def test_brackets_and_commas_in_strings_are_text(self):
        rows = self.imported("a.json", '[{"id":"a","v":"],[{,\\"]"}, {"id":"b","v":"\\\\"}]')
        self.assertEqual(rows, {"a": {"id": "a", "v": '],[{,"]'}, "b": {"id": "b", "v": "\\"}})

    def test_stdin(self):
        self.gridctl(*self.store, "import", "m", "-", stdin='{"id":"a"}\n')
        self.assertEqual(self.gridctl(*self.store, "get", "m", "a"), '{"id":"a"}\n')
        outcome = self.gridctl_fails(1, *self.store, "import", "m", "-", stdin='{"id":"a"}\n{\n')
        self.assertIn("gridctl: stdin:2: ", outcome.err)

    def test_a_missing_key(self):
        self.assertEqual(self.refused("a.ndjson", '{"id":"a"}\n{"v":1}\n'),
                         'a.ndjson:2: no key: there is no field "id" or "key"')
        self.assertEqual(self.refused("a.json", '[{"id":"a"}]', "--key", "name"),
                         'a.json:1: no key: there is no field "name"')
        self.assertEqual(self.refused("a.json", '[{"id":1.5}]'),
                         'a.json:1: the key field "id" is neither text nor a whole number')
        self.assertEqual(self.refused("a.json", '[\n{"id":1},\n5]'), "a.json:3: not an object, so it has no key")

    def test_duplicate_keys(self):
        self.assertEqual(self.refused("a.json", '[{"id":"1"},\n{"id":1}]'),
                         'a.json:2: the key "1" is on line 1 already')

    def test_bad_json_is_refused_with_its_line(self):
        cases = (("a.ndjson", '{"id":"a"}\n{"id":"b",}\n', 2), ("a.ndjson", '{"id":"a"} {"id":"b"}\n', 1),
                 ("a.json", '[{"id":"a"},\n\n{"id":\n"b"\n"c"}]', 5), ("a.json", '[{"id":"a"},\n]', 2),
                 ("a.json", '[{"id":"a"}\n', 2), ("a.json", '[{"id":"a"}]\nx', 2), ("a.json", "[1 2]", 1))
        for name, content, line in cases:
            with self.subTest(content=content):
                self.assertRegex(self.refused(name, content), rf"\A{name}:{line}: .")

    def test_invalid_utf8(self):
        self.assertEqual(self.refused("a.ndjson", b'{"id":"a"}\n{"id":"\xc3("}\n'), "a.ndjson:2: not UTF-8")

    def test_too_deep_and_too_large(self):
        self.assertRegex(self.refused("a.ndjson", '{"id":"a","v":' + "[" * 20 + "]" * 20 + "}\n"), r"\Aa.ndjson:1: .*8")
        self.assertRegex(self.refused("a.ndjson", '{"id":"a","v":"' + "x" * 1_048_577 + '"}\n'),
                         r"\Aa.ndjson:1: .*1048576")

    def test_a_file_that_is_not_there(self):
        outcome = self.gridctl_fails(1, *self.store, "import", "m", self.path("none.csv"))
        self.assertIn("cannot open", outcome.err)


class Export(Import):
    def test_an_export_is_sorted_and_imports_again_as_it_was(self):
        for key, value in (("b", {"x": 1}), ("ä", None), ("a/1", [True]), ("a", "text"), ("c", {"$bytes": "AQI="})):
            self.gridctl(*self.store, "put", "m", key, json.dumps(value))
        exported = self.gridctl(*self.store, "export", "m")
        self.assertEqual(exported, '{"key":"a","value":"text"}\n{"key":"a/1","value":[true]}\n'
                                   '{"key":"b","value":{"x":1}}\n{"key":"c","value":{"$bytes":"AQI="}}\n'
                                   '{"key":"ä","value":null}\n')
        other = ("--store", self.path("other"), "--offline")
        self.gridctl(*other, "import", "m", self.file("a.ndjson", exported))
        self.assertEqual(self.gridctl(*other, "export", "m"), exported)
        array = self.gridctl(*self.store, "export", "m", "-o", "json")
        third = ("--store", self.path("third"), "--offline")
        self.gridctl(*third, "import", "m", self.file("a.json", array))
        self.assertEqual(self.gridctl(*third, "export", "m"), exported)

    def test_sets_and_counters_come_back_as_values(self):
        self.gridctl(*self.store, "put", "m", "b", '{"x":1}')
        for value in ("north", 10, {"n": [1]}, 9, "dry"):
            self.gridctl(*self.store, "or", "add", "m", "a", json.dumps(value))
        self.gridctl(*self.store, "or", "add", "m", "b", "1")
        self.gridctl(*self.store, "or", "remove", "m", "a", "9")
        self.gridctl(*self.store, "counter", "incr", "m", "c", "5")
        self.gridctl(*self.store, "counter", "decr", "m", "c", "7")
        self.gridctl(*self.store, "counter", "incr", "m", "zero", "1")
        self.gridctl(*self.store, "counter", "decr", "m", "zero", "1")
        exported = self.gridctl(*self.store, "export", "m")
        self.assertEqual(exported, '{"key":"a","value":"dry","view":"set"}\n{"key":"a","value":"north","view":"set"}\n'
                                   '{"key":"a","value":10,"view":"set"}\n{"key":"a","value":{"n":[1]},"view":"set"}\n'
                                   '{"key":"b","value":{"x":1}}\n{"key":"b","value":1,"view":"set"}\n'
                                   '{"key":"c","value":-2,"view":"counter"}\n'
                                   '{"key":"zero","value":0,"view":"counter"}\n')
        self.assertEqual(self.gridctl(*self.store, "export", "m", "-o", "raw"), "a\nb\nc\nzero\n")
        array = self.gridctl(*self.store, "export", "m", "-o", "json")
        for name, content in (("a.ndjson", exported), ("a.json", array)):
            other = ("--store", self.path("store of " + name), "--offline")
            # What stood there gives way, as rows do.
            self.gridctl(*other, "or", "add", "m", "a", '"wet"')
            self.gridctl(*other, "or", "add", "m", "a", '"dry"')
            self.gridctl(*other, "counter", "incr", "m", "c", "40")
            for _ in range(2):
                self.gridctl(*other, "import", "m", self.file(name, content))
                self.assertEqual(self.gridctl(*other, "export", "m"), exported)

    def test_sets_and_counters_reach_the_gateway_and_what_others_add_counts(self):
        server = self.server()
        file = self.file("a.ndjson", '{"key":"g","value":3,"view":"counter"}\n{"key":"s","value":"x","view":"set"}\n')
        self.gridctl("--target", server.url, "counter", "incr", "m", "g", "5")
        self.gridctl("--target", server.url, "or", "add", "m", "s", '"y"')
        self.gridctl("--target", server.url, "import", "m", file)
        self.gridctl("--target", server.url, "counter", "incr", "m", "g", "1")
        self.assertEqual(self.gridctl("--target", server.url, "counter", "value", "m", "g"), "4\n")
        self.assertEqual(self.gridctl("--target", server.url, "or", "values", "m", "s"), '"x"\n')

    def test_views_that_are_none(self):
        self.assertEqual(self.refused("a.ndjson", '{"key":"c","value":1.5,"view":"counter"}\n'),
                         "a.ndjson:1: the value of a counter is a whole number")
        one = '{"key":"s","value":1,"view":"set"}\n'
        self.assertEqual(self.refused("a.ndjson", one + one),
                         'a.ndjson:2: this value of the key "s" is on line 1 already')
        # Any other view is a field like others, and a CSV has rows only.
        self.assertEqual(self.imported("b.ndjson", '{"key":"w","value":1,"view":"east"}\n'),
                         {"w": {"key": "w", "value": 1, "view": "east"}})
        self.assertEqual(self.imported("b.csv", "key,value,view\nv,1,set\n")["v"],
                         {"key": "v", "value": 1, "view": "set"})

    def test_a_hundred_thousand_rows(self):
        lines = ["id,temp,note"] + [f"sensor/{i:06d},{i / 10},row {i}" for i in range(100_000)]
        said = json.loads(self.gridctl(*self.store, "import", "m", self.file("a.csv", "\n".join(lines)), "-o", "json"))
        self.assertEqual(said, {"map": "m", "rows": 100_000, "outcome": "pending"})
        rows = self.gridctl(*self.store, "export", "m").splitlines()
        self.assertEqual(len(rows), 100_000)
        last = {"id": "sensor/099999", "temp": 9999.9, "note": "row 99999"}
        self.assertEqual(json.loads(rows[-1]), {"key": "sensor/099999", "value": last})

    def test_progress_is_shown_on_a_terminal_and_cleared(self):
        seen = self.on_terminal(*self.store, "import", "m", self.numbers(5_000))
        self.assertIn("importing 1000 of 5000, ", seen)
        self.assertTrue(seen.endswith("\r\x1b[K"), seen)

    def test_progress_stays_out_of_pipes(self):
        outcome = self.run_gridctl(*self.store, "import", "m", self.numbers(5_000))
        self.assertEqual((outcome.code, outcome.out, outcome.err), (0, "", ""))


del Import  # It has no tests of its own.

if __name__ == "__main__":
    harness.main()
