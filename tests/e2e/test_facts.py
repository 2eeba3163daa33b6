# SPDX-License-Identifier: Apache-2.0
"""facts and datalog: entities and questions about them, offline and from a server."""
import json
import os
import pathlib
import signal

import harness

HUTS = pathlib.Path(os.environ.get("GRID_SOURCE", pathlib.Path(__file__).parents[2])) / "examples" / "huts"
REACH = """[[(link ?a ?b) [?t :trail/from ?a] [?t :trail/to ?b]]
            [(link ?a ?b) (link ?b ?a)]
            [(reach ?a ?b) (link ?a ?b)]
            [(reach ?a ?b) (link ?a ?c) (reach ?c ?b)]]"""


class Facts(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.here = ("--store", self.path("store"), "--offline")

    def huts(self, context=None):
        self.gridctl(*(context or self.here), "facts", "import", "huts", HUTS / "huts.json",
                     "--schema", HUTS / "schema.json")

    def ask(self, query, *inputs, context=None, arguments=()):
        given = ("--in", json.dumps(inputs)) if inputs else ()
        return json.loads(self.gridctl(*(context or self.here), "datalog", "huts", query, *given, *arguments))

    def get(self, entity, context=None):
        return json.loads(self.gridctl(*(context or self.here), "facts", "get", "huts", entity))

    def test_triples_are_imported_and_asked(self):
        self.huts()
        self.assertEqual(self.ask('[:find ?n ?b :where [?h "hut/name" ?n] [?h :hut/beds ?b] [(> ?b 60)]]'),
                         [["Fondsbu", 96], ["Leirvassbu", 180], ["Skogadalsbøen", 64]])
        self.assertEqual(self.ask("[:find ?w . :where [5 :hut/warden ?w]]"), 24)
        self.assertEqual(self.ask("[:find [?a ?b] :where [41 :trail/from ?a] [41 :trail/to ?b]]"), [1, 2])
        self.assertEqual(self.ask("[:find [?k ...] :where [_ :trail/km ?k]]"), [9.5, 14.5, 16, 17, 19, 22])
        self.assertEqual(self.ask("[:find ?n :where [?h :hut/offers \"nothing\"] [?h :hut/name ?n]]"), [])

    def test_ids_come_back_as_they_were_given(self):
        facts = self.file("f.json", json.dumps([[7, "n", "number"], ["seven", "n", "text"], ["7", "n", "digits"],
                                                [7, "to", {"$ref": "seven"}]]))
        self.gridctl(*self.here, "facts", "import", "huts", facts)
        self.assertEqual(self.ask("[:find ?e ?n :where [?e :n ?n]]"),
                         [[7, "number"], ["7", "digits"], ["seven", "text"]])
        self.assertEqual(self.ask('[:find ?n . :where ["7" :n ?n]]'), "digits")
        self.assertEqual(self.ask("[:find ?n . :in $ ?e :where [?e :n ?n]]", 7), "number")
        self.assertEqual(self.ask("[:find ?t . :where [7 :to ?t] [?t :n _]]"), "seven")

    def test_inputs_of_each_shape(self):
        self.huts()
        find = "[:find [?n ...] :in $ %s :where [?h :hut/beds ?b] [?h :hut/name ?n]]"
        self.assertEqual(self.ask(find % "?b", 52), ["Olavsbu"])
        self.assertEqual(self.ask(find % "[?b ...]", [52, 20]), ["Ingjerdbu", "Olavsbu"])
        self.assertEqual(self.ask(find % "[_ ?b]", ["x", 52]), ["Olavsbu"])
        self.assertEqual(self.ask(find % "[[?n ?b]]", [["Olavsbu", 52], ["Olavsbu", 53]]), ["Olavsbu"])
        for inputs in ((), (1, 2)):
            self.assertIn("input", self.refused(find % "?b", *inputs))

    def test_rules_recursion_and_negation(self):
        self.huts()
        reached = self.ask("[:find [?n ...] :in $ % :where (reach 1 ?h) [?h :hut/name ?n]]", REACH)
        self.assertEqual(len(reached), 6)
        self.assertEqual(self.ask("[:find [?n ...] :where [?h :hut/name ?n] (not [?h :hut/warden])]"),
                         ["Ingjerdbu", "Olavsbu"])

    def test_pull_and_a_ref_to_nothing(self):
        self.huts()
        pattern = "[:find (pull ?h [:hut/name {:hut/warden [:person/name]}]) . :where [?h :hut/name \"Fondsbu\"]]"
        self.assertEqual(self.ask(pattern), {"hut/name": "Fondsbu", "hut/warden": {"person/name": "Dina"}})
        self.gridctl(*self.here, "facts", "delete", "huts", "24")
        self.assertEqual(self.ask(pattern), {"hut/name": "Fondsbu"})
        self.assertEqual(self.ask("[:find ?n :where [5 :hut/warden ?w] [?w :person/name ?n]]"), [])

    def refused(self, query, *inputs, exit_code=2):
        given = ("--in", json.dumps(inputs)) if inputs else ()
        return self.gridctl_fails(exit_code, *self.here, "datalog", "huts", query, *given).err

    def test_what_is_wrong_with_a_question_is_said_with_its_place(self):
        self.huts()
        self.assertIn("line 1, column 8", self.refused("[:find ?x :where [?h :hut/name ?n]]"))
        self.assertIn("line 2, column", self.refused("[:find ?n\n :where [?h :hut/name ?n] [(< ?x 3)]]"))
        self.assertIn("line 1", self.refused("[:find ?n"))
        self.assertIn("line 1", self.refused("[:find ?n :where (climb ?n)]"))
        self.refused("")
        self.gridctl_fails(2, *self.here, "datalog", "huts", "[:find ?n :in $ ?b :where [?n :x ?b]]", "--in", "{")
        self.gridctl_fails(2, *self.here, "datalog", "no map", "[:find ?n :where [?n :x]]")

    def test_a_question_that_never_ends_meets_its_limit(self):
        facts = [[i, "to", j] for i in range(300) for j in range(300) if i != j]
        self.gridctl(*self.here, "facts", "import", "huts", self.file("dense.json", json.dumps(facts)),
                     "--schema", self.file("s.json", '{"to": "refMany"}'))
        error = self.refused("[:find (count ?a) :with ?b ?c ?d ?e"
                             " :where [?a :to ?b] [?b :to ?c] [?c :to ?d] [?d :to ?e]]", exit_code=1)
        self.assertIn("limit", error)

    def test_fields_are_written_one_by_one(self):
        self.gridctl(*self.here, "facts", "set", "huts", "x", "n", "1")
        self.gridctl(*self.here, "facts", "set", "huts", "x", "n", "2")
        self.gridctl(*self.here, "facts", "add", "huts", "x", "tag", '"a"')
        self.gridctl(*self.here, "facts", "add", "huts", "x", "tag", '"b"')
        self.assertEqual(self.get("x"), {"id": "x", "n": 2, "tag": ["a", "b"]})
        self.gridctl(*self.here, "facts", "remove", "huts", "x", "tag", '"a"')
        self.assertEqual(self.get("x"), {"id": "x", "n": 2, "tag": ["b"]})
        self.gridctl(*self.here, "facts", "remove", "huts", "x", "n")
        self.assertEqual(self.get("x"), {"id": "x", "tag": ["b"]})
        self.gridctl_fails(3, *self.here, "facts", "remove", "huts", "x", "n")
        self.gridctl_fails(3, *self.here, "facts", "get", "huts", "y")
        self.gridctl_fails(2, *self.here, "facts", "set", "huts", "x", "n", "[1]")
        self.gridctl_fails(2, *self.here, "facts", "set", "huts", "x", "", "1")

    def test_a_deleted_entity_stays_deleted_and_says_so(self):
        self.gridctl(*self.here, "facts", "set", "huts", "x", "n", "1")
        self.gridctl(*self.here, "facts", "delete", "huts", "x")
        self.gridctl_fails(3, *self.here, "facts", "get", "huts", "x")
        self.assertIn("deleted", self.gridctl_fails(4, *self.here, "facts", "set", "huts", "x", "n", "2").err)
        self.assertEqual(self.ask("[:find ?e :where [?e :n _]]"), [])

    def test_records_and_transactions_are_imported_too(self):
        records = '{"id": 1, "n": "a", "tags": ["x", "y"], "to": {"id": 2, "n": "b"}}\n'
        self.gridctl(*self.here, "facts", "import", "huts", self.file("r.ndjson", records))
        self.assertEqual(self.get("1"), {"id": 1, "n": "a", "tags": ["x", "y"], "to": {"$ref": "2"}})
        self.assertEqual(self.get("2"), {"id": 2, "n": "b"})
        edn = '[[:db/add 3 :n "c"] {:db/id 4 :n "d" :old true} [:db/retract 1 :n "a"] [:db/retractEntity 2]]'
        self.gridctl(*self.here, "facts", "import", "huts", self.file("t.edn", edn))
        self.assertEqual(self.ask("[:find [?n ...] :where [_ :n ?n]]"), ["c", "d"])

    def test_a_file_that_is_not_good_writes_nothing(self):
        for content, said in (('[[1, "n", 1], [2, "n"]]', "a fact is [subject, predicate, object]"),
                              ('[[1, "n", 1],\n [[2], "n", 1]]', "f.json:2"), ('[[1, 2, 3]]', "predicate"),
                              ('[[1, "n", [1]]]', "no object"), ('[[1, "n", 1]', "no end"), ("7", "neither")):
            failed = self.gridctl_fails(1, *self.here, "facts", "import", "huts", self.file("f.json", content))
            self.assertIn(said, failed.err)
        self.assertEqual(self.ask("[:find ?e :where [?e :n _]]"), [])
        bad = self.file("s.json", '{"n": "txt"}')
        self.assertIn('"n"', self.gridctl_fails(2, *self.here, "facts", "import", "huts", HUTS / "huts.json",
                                                "--schema", bad).err)

    def test_edits_of_different_fields_both_win_and_a_deletion_beats_an_edit(self):
        server = self.server()
        one, two = (("--target", server.url, "--store", self.path(name)) for name in ("one", "two"))
        self.huts(context=one)
        self.gridctl(*two, "sync", "--map", "huts")
        self.gridctl(*one, "--offline", "facts", "set", "huts", "2", "hut/beds", "60")
        self.gridctl(*two, "--offline", "facts", "set", "huts", "2", "hut/height", "1441")
        self.gridctl(*one, "--offline", "facts", "delete", "huts", "3")
        self.gridctl(*two, "--offline", "facts", "set", "huts", "3", "hut/beds", "1")
        for context in (one, two, one):
            self.gridctl(*context, "sync")
        for context in (one, two, ("--target", server.url)):
            hut = self.get("2", context=context)
            self.assertEqual((hut["hut/beds"], hut["hut/height"]), (60, 1441))
            self.gridctl_fails(3, *context, "facts", "get", "huts", "3")
            self.assertEqual(self.ask("[:find ?n . :where [3 :hut/name ?n]]", context=context), None)

    def test_a_store_holds_the_entities_that_an_answer_stands_on_and_lets_go_of_others(self):
        server = self.server()
        target = ("--target", server.url)
        self.huts(context=target)
        store = (*target, "--store", self.path("part"))
        query = "[:find ?n :in $ ?least :where [?h :hut/beds ?b] [(> ?b ?least)] [?h :hut/name ?n]]"

        def held():
            self.gridctl(*store, "sync", "--map", "huts", "--query", query, "--in", "[60]")
            listed = self.gridctl(*store, "--offline", "-o", "json", "facts", "ls", "huts")
            return {row["id"] for row in json.loads(listed)}

        self.assertEqual(held(), {3, 4, 5})
        self.gridctl(*target, "facts", "set", "huts", "6", "hut/beds", "61")
        self.gridctl(*target, "facts", "set", "huts", "5", "hut/beds", "59")
        self.assertEqual(held(), {3, 4, 6})
        self.assertEqual(self.get("6", context=(*store, "--offline"))["hut/name"], "Ingjerdbu")
        # What no answer stands on goes once the server has it, and what one stands on stays.
        self.gridctl(*store, "--offline", "facts", "set", "huts", "98", "hut/beds", "100")
        self.gridctl(*store, "--offline", "facts", "set", "huts", "99", "hut/beds", "100")
        self.gridctl(*store, "--offline", "facts", "set", "huts", "99", "hut/name", '"New"')
        self.assertEqual(held(), {3, 4, 6, 99})
        self.assertEqual(self.get("98", context=target), {"id": 98, "hut/beds": 100})
        for hut in ("3", "4", "6", "99"):
            self.gridctl(*target, "facts", "delete", "huts", hut)
        self.assertEqual(self.ask(query, 60, context=(*store, "--offline")), [["Ingjerdbu"], ["Leirvassbu"], ["New"],
                                                                              ["Skogadalsbøen"]])
        self.assertEqual(held(), set())

    def test_a_store_holds_the_facts_that_a_question_looks_at_and_lets_go_of_others(self):
        server = self.server()
        self.huts(context=("--target", server.url))
        store = ("--target", server.url, "--store", self.path("part"))
        query = "[:find ?n :in $ ?least :where [?h :hut/beds ?b] [(> ?b ?least)] [?h :hut/name ?n]]"
        self.gridctl(*store, "sync", "--map", "huts", "--query", query, "--in", "[60]")
        offline = (*store, "--offline")
        self.assertEqual(self.ask(query, 60, context=offline), [["Fondsbu"], ["Leirvassbu"], ["Skogadalsbøen"]])
        self.assertEqual(self.get("5", context=offline)["hut/beds"], 96)
        self.gridctl("--target", server.url, "facts", "delete", "huts", "5")
        self.gridctl("--target", server.url, "facts", "set", "huts", "6", "hut/name", '"Ingjerd"')
        self.gridctl(*store, "sync", "--map", "huts", "--query", "[:find [?n ...] :where [_ :hut/name ?n]]")
        self.assertEqual(self.ask("[:find [?n ...] :where [_ :hut/name ?n]]", context=offline),
                         ["Gjendebu", "Ingjerd", "Leirvassbu", "Olavsbu", "Skogadalsbøen"])
        self.assertEqual(self.get("4", context=offline), {"id": 4, "hut/name": "Skogadalsbøen"})
        for arguments in (("--query", query), ("--map", "huts", "--query", "[:find"),
                          ("--map", "huts", "--query", query), ("--map", "huts", "--query", query, "--where", "a = 1")):
            self.gridctl_fails(2, *store, "sync", *arguments)

    def test_a_watched_question_tells_what_enters_and_what_leaves(self):
        server = self.server()
        target = ("--target", server.url)
        self.huts(context=target)
        query = "[:find ?n :where [?h :hut/offers \"sauna\"] [?h :hut/name ?n]]"
        watching = self.start(*target, "datalog", "huts", query, "--watch")
        harness.wait_until(lambda: len(watching.lines) == 1, "the first answer")
        self.gridctl(*target, "facts", "add", "huts", "6", "hut/offers", '"sauna"')
        harness.wait_until(lambda: len(watching.lines) == 2, "a row that enters")
        self.gridctl(*target, "facts", "set", "huts", "6", "hut/beds", "3")
        self.gridctl(*target, "facts", "delete", "huts", "3")
        harness.wait_until(lambda: len(watching.lines) == 3, "a row that leaves")
        self.assertEqual([json.loads(line) for line in watching.lines],
                         [{"change": "enter", "row": ["Leirvassbu"]}, {"change": "enter", "row": ["Ingjerdbu"]},
                          {"change": "leave", "row": ["Leirvassbu"]}])
        self.assertEqual(watching.stop(signal.SIGINT), 0)

    # A clock that is two hours ahead stands for the two hours.
    def test_what_has_expired_is_in_no_answer(self):
        self.gridctl(*self.here, "facts", "set", "huts", "1", "here", "1", "--ttl", "1h")
        self.gridctl(*self.here, "facts", "add", "huts", "1", "seen", "1", "--ttl", "1h")
        self.gridctl(*self.here, "facts", "set", "huts", "2", "here", "2", "--ttl", "3h")
        query = "[:find [?v ...] :where [_ :%s ?v]]"
        self.assertEqual((self.ask(query % "here"), self.ask(query % "seen")), ([1, 2], [1]))
        later = {"GRID_WALL_OFFSET_MS": str(2 * 3_600_000)}
        for attribute, expected in (("here", [2]), ("seen", [])):
            answer = self.gridctl(*self.here, "datalog", "huts", query % attribute, env=later)
            self.assertEqual(json.loads(answer), expected)
        unknown = {"GRID_WALL_OFFSET_MS": "unknown"}
        self.assertEqual(json.loads(self.gridctl(*self.here, "datalog", "huts", query % "here", env=unknown)), [1, 2])

    # Nothing else happens then. What a slow machine had no time to show before it expired is written again, for longer.
    def test_a_watch_is_told_when_a_fact_expires(self):
        target = ("--target", self.server().url)
        write = (*target, "facts", "set", "huts")
        self.gridctl(*write, "0", "here", "0")
        watching = self.start(*target, "datalog", "huts", "[:find ?v :where [_ :here ?v]]", "--watch")
        def is_told(change, value):
            return json.dumps({"change": change, "row": [value]}, separators=(",", ":")) in watching.lines
        harness.wait_until(lambda: is_told("enter", 0), "the first answer")
        for seconds in (2, 8, 32):
            self.gridctl(*write, str(seconds), "here", str(seconds), "--ttl", f"{seconds}s")
            self.gridctl(*write, f"behind-{seconds}", "here", str(-seconds))
            harness.wait_until(lambda number=seconds: is_told("enter", -number), "what was written behind it")
            if is_told("enter", seconds):
                break
        harness.wait_until(lambda: is_told("leave", seconds), "the end of a fact")
        self.assertEqual(watching.stop(signal.SIGINT), 0)

    def test_a_check_tells_what_is_not_as_a_schema_says(self):
        facts = [[1, "hut/name", "a"], [2, "hut/name", "a"], [3, "hut/beds", "many"], [4, "trail/km", 1]]
        self.gridctl(*self.here, "facts", "import", "huts", self.file("f.json", json.dumps(facts)))
        schema = self.file("s.json", json.dumps({"hut/name": {"type": "string", "unique": True, "required": True},
                                                 "hut/beds": "number"}))
        found = self.gridctl_fails(4, *self.here, "-o", "json", "facts", "check", "huts", "--schema", schema)
        self.assertEqual([(one["entity"], one["predicate"]) for one in json.loads(found.out)],
                         [("2", "hut/name"), ("3", "hut/beds"), ("3", "hut/name")])

    def test_explain_tells_order_index_use_and_counts(self):
        self.huts()
        plan = self.ask("[:find ?n :where [?h :hut/name ?n] [?h :hut/beds 96]]", arguments=("--explain", "-o", "json"))
        self.assertEqual(plan["rows"], 1)
        self.assertEqual([step["clause"] for step in plan["clauses"]], ["[?h :hut/beds 96]", "[?h :hut/name ?n]"])
        self.assertEqual([step["rows_out"] for step in plan["clauses"]], [1, 1])


if __name__ == "__main__":
    harness.main()
