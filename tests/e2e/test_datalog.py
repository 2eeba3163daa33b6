# SPDX-License-Identifier: Apache-2.0
"""Datalog that a gateway answers itself, by HTTP: the answers, what is watched, limits, and who may ask."""
import http.client
import json
import pathlib
import os
import signal
import urllib.parse

import harness

HUTS = pathlib.Path(os.environ.get("GRID_SOURCE", pathlib.Path(__file__).parents[2])) / "examples" / "huts"
BEDS = "[:find ?n ?b :where [?h :hut/name ?n] [?h :hut/beds ?b] [(> ?b 60)]]"
ALL_BEDS = "[:find ?h ?b :where [?h :hut/beds ?b]]"
REACH = """[[(link ?a ?b) [?t :trail/from ?a] [?t :trail/to ?b]]
            [(link ?a ?b) (link ?b ?a)]
            [(reach ?a ?b) (link ?a ?b)]
            [(reach ?a ?b) (link ?a ?c) (reach ?c ?b)]]"""
# A clause of each kind, ids of both, scalars of all kinds, and an order that was asked for.
QUESTIONS = [
    (BEDS,),
    ("[:find [?n ...] :in $ [?b ...] :where [?h :hut/beds ?b] [?h :hut/name ?n]]", [52, 20]),
    ("[:find ?n ?b :in $ [[?n ?b]] :where [?h :hut/name ?n] [?h :hut/beds ?b]]", [["Olavsbu", 52], ["Olavsbu", 53]]),
    ("[:find [?n ...] :in $ % :where (reach 1 ?h) [?h :hut/name ?n]]", REACH),
    ("[:find [?n ...] :where [?h :hut/name ?n] (not [?h :hut/warden])]",),
    ("[:find ?n ?w :where [?h :hut/name ?n] (or [?h :hut/warden ?w] [?h :hut/offers ?w])]",),
    ("[:find ?w (sum ?b) (count ?h) :where [?h :hut/warden ?w] [?h :hut/beds ?b]]",),
    ("[:find ?n ?b :where [?h :hut/name ?n] [?h :hut/beds ?b] :order-by ?b :desc :limit 3]",),
    ("[:find ?e ?a ?v :where [?e ?a ?v]]",),
    ("[:find (pull ?h [*]) :where [?h :hut/name \"Fondsbu\"]]",),
    ("[:find ?w . :where [5 :hut/warden ?w]]",),
    ("[:find [?a ?b] :where [41 :trail/from ?a] [41 :trail/to ?b]]",),
    ("[:find ?n :where [?h :hut/offers \"nothing\"] [?h :hut/name ?n]]",),
    ("[:find ?n . :where [?h :hut/offers \"nothing\"] [?h :hut/name ?n]]",),
]
CONFIG = """
[auth]
device_tokens = true
[role.clerk]
grants = [{ map = "huts", actions = ["read", "put"] }, { actions = ["inspect"] }]
[role.guest]
grants = [{ map = "huts", actions = ["read"], where = "site = 'Oslo'" }]
[role.blind]
grants = [{ map = "huts", actions = ["read"], hide = ["price"] }]
[role.writer]
grants = [{ map = "huts", actions = ["put"] }]
"""


class Watch:
    """An answer that is kept open: a line at a time."""

    def __init__(self, gateway, query, headers=None):
        self.peer = http.client.HTTPConnection(gateway.listen(), timeout=harness.DEADLINE_SECONDS)
        self.peer.request("POST", "/v1/default/datalog/huts", json.dumps({"query": query, "watch": True}),
                          headers or {})
        self.answer = self.peer.getresponse()

    def line(self):
        """The next one that says something; None: the answer has ended."""
        while line := self.answer.readline():
            if line.strip():
                return json.loads(line)
        return None

    def lines(self, count):
        return sorted((self.line() for _ in range(count)), key=json.dumps)

    def lines_until(self, last):
        """All up to that one."""
        lines = []
        while last not in lines:
            lines.append(self.line())
            assert lines[-1] is not None, f"the answer has ended after {lines}"
        return lines

    def close(self):
        self.peer.close()


def change(what, *row):
    return {"change": what, "row": list(row)}


class Datalog(harness.GridTest):
    def gateway(self, *settings, data="gateway", env=None):
        return self.server(data=data, env=env,
                           arguments=[word for one in settings for word in ("--set", "apps.facts." + one)])

    def locked(self, *roles):
        """A gateway that CONFIG says who may ask, and a token for each of the roles."""
        config = self.file("gridd.toml", CONFIG)
        gateway = harness.Process([harness.program("gridd"), "--config", config, "--data", self.path("locked"),
                                   "--listen", "127.0.0.1:0", "--set", "apps.facts.idle=1s"])
        self.addCleanup(lambda: gateway.child.poll() is None and gateway.stop(signal.SIGKILL))
        gateway.url = gateway.first_line()
        gateway.listen = lambda: gateway.url.split("//")[1]
        return gateway, {role: self.gridctl("server", "--data", self.path("locked"), "enroll", f"a-{role}", "--role",
                                            role).strip() for role in roles}

    def write_as(self, gateway, token, *fact):
        self.gridctl("--target", gateway.url, "--store", self.path("writers"), "--token-file",
                     self.file("token", token), "facts", "set", "huts", *fact)

    def watch_as(self, gateway, token, query):
        return self.watch(gateway, query, headers={"Authorization": f"Bearer {token}"})

    def ends(self, watch):
        try:
            self.assertIsNone(watch.line())
        except (http.client.HTTPException, ConnectionError):
            pass  # It breaks off, which says the same.

    def huts(self, gateway):
        self.gridctl("--target", gateway.url, "facts", "import", "huts", HUTS / "huts.json",
                     "--schema", HUTS / "schema.json")

    def write(self, gateway, entity, attribute, value, *more):
        self.gridctl("--target", gateway.url, "facts", "set", "huts", entity, attribute, json.dumps(value), *more)

    def send(self, gateway, path, body=None, token=None, method=None):
        """Status and body."""
        status, _, answer = self.fetch(gateway, path, body, token, method)
        return status, answer

    def post(self, gateway, body, **options):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(gateway, "/v1/default/datalog/huts", body=body, **options)

    def get(self, gateway, **words):
        return self.send(gateway, "/v1/default/datalog/huts?" + urllib.parse.urlencode(words))

    def ask(self, gateway, query, *inputs):
        status, body = self.post(gateway, {"query": query, "in": list(inputs)})
        self.assertEqual(status, 200, body)
        return [json.loads(line) for line in body.splitlines()]

    def refused(self, code, answer, said):
        self.assertEqual(answer[0], code, answer)
        self.assertIn(said, json.loads(answer[1])["error"])

    def figure(self, gateway, name):
        lines = self.send(gateway, "/metrics")[1].splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f'grid_datalog_{name}{{')))

    def watch(self, gateway, query, **options):
        watch = Watch(gateway, query, **options)
        self.addCleanup(watch.close)
        return watch

    def answers(self, gateway):
        return [self.ask(gateway, *question) for question in QUESTIONS]

    def test_it_answers_as_a_device_does(self):
        gateway = self.gateway()
        self.huts(gateway)
        self.write(gateway, '"7"', "note", {"$timestamp": "2026-11-21T02:01:00.123Z"})
        self.write(gateway, "7", "note", {"$bytes": "AP8="})
        self.write(gateway, "seven", "note", 1.5)
        for query, *inputs in QUESTIONS:
            given = ("--in", json.dumps(inputs)) if inputs else ()
            device = json.loads(self.gridctl("--target", gateway.url, "datalog", "huts", query, *given))
            is_scalar, is_rows = query.split(":where")[0].rstrip().endswith("."), query.startswith("[:find ?")
            if is_scalar:
                device = [] if device is None else [[device]]
            elif query.startswith("[:find [") and "..." in query:
                device = [[one] for one in device]
            elif not is_rows and not query.startswith("[:find ("):
                device = [device]
            self.assertEqual(self.ask(gateway, query, *inputs), device, query)
        status, body = self.get(gateway, query="[:find ?n . :in $ ?b :where [?h :hut/beds ?b] [?h :hut/name ?n]]",
                                **{"in": "[52]"})
        self.assertEqual((status, body), (200, '["Olavsbu"]\n'))

    def test_an_answer_of_many_pages_comes_whole(self):
        gateway = self.gateway()
        facts = [[i, "n", f"{i:06} is a text of some length that fills pages"] for i in range(20_000)]
        self.gridctl("--target", gateway.url, "facts", "import", "huts", self.file("f.json", json.dumps(facts)))
        self.assertEqual(self.ask(gateway, "[:find ?v ?e :where [?e :n ?v]]"), [[text, i] for i, _, text in facts])

    def test_what_was_written_before_is_in_the_answer(self):
        gateway = self.gateway()
        self.huts(gateway)
        for beds in range(300, 310):
            self.write(gateway, "5", "hut/beds", beds)
            self.assertEqual(self.ask(gateway, "[:find ?b :where [5 :hut/beds ?b]]"), [[beds]])
        self.gridctl("--target", gateway.url, "facts", "delete", "huts", "5")
        self.assertEqual(self.ask(gateway, "[:find ?a ?b :where [5 ?a ?b]]"), [])

    def test_what_is_wrong_is_said_with_its_place(self):
        gateway = self.gateway()
        self.huts(gateway)
        bad = "/v1/default/datalog/"
        self.refused(400, self.post(gateway, {"query": "[:find ?n\n :where [?h :n ?n] [(< ?x 3)]]"}), "line 2, column")
        self.refused(400, self.get(gateway, query="[:find ?x :where [?h :n ?n]]"), "line 1, column 8")
        self.refused(400, self.post(gateway, {"query": "[:find ?n"}), "line 1")
        self.refused(400, self.post(gateway, {"query": "[:find ?e :in $ ?n :where [?e :n ?n]]"}), "wants 1 inputs")
        self.refused(400, self.post(gateway, {"query": "[:find ?e :in $ [?n ...] :where [?e :n ?n]]", "in": [1]}),
                     "input 1: a list is wanted")
        self.refused(400, self.post(gateway, {"query": 7}), "query")
        self.refused(400, self.post(gateway, {"quarry": ""}), "quarry")
        self.refused(400, self.post(gateway, b"{\n]"), "line 2, column 1 of the body")
        self.refused(400, self.post(gateway, b"[]"), "the body is to be")
        self.refused(400, self.post(gateway, b""), "body")
        self.refused(400, self.send(gateway, bad + "huts"), "there is no query")
        self.refused(400, self.get(gateway, query="x", how=1), "there is no parameter how")
        self.refused(400, self.get(gateway, query=BEDS, watch="yes"), "watch is 0 or 1")
        self.refused(400, self.get(gateway, query=BEDS, **{"in": "7"}), "in is a JSON array")
        self.refused(400, self.post(gateway, {"query": "[" * 40_000 + " " * 40_000}), "65536 bytes")
        self.refused(400, self.send(gateway, bad + "a%20b?query=x"), "a map has")
        self.refused(404, self.send(gateway, "/v1/none/datalog/huts?query=x"), "no app")
        self.refused(405, self.send(gateway, bad + "huts", method="DELETE"), "GET, POST")
        self.refused(413, self.post(gateway, b'"' + b"x" * (3 << 20)), "too long")
        self.assertEqual(self.figure(gateway, "watches"), 0)

    def test_what_takes_too_much_meets_its_limit(self):
        gateway = self.gateway("question_steps=20000", "question_memory=1MiB", "index_memory=8MiB", "questions=2",
                               "watches=1", "watch_memory=1KiB")
        facts = [[i, "to", i * 7 % 3_000] for i in range(3_000)]
        self.gridctl("--target", gateway.url, "facts", "import", "huts", self.file("f.json", json.dumps(facts)))
        product = "[:find %s :where [?a :to ?b] [?c :to ?d] [(not= ?a ?c)]]"
        self.refused(413, self.post(gateway, {"query": product % "(count ?a)"}), "limit: ")
        text = "x" * 4_000
        long = '[:find ?a ?t :in $ ?t :where [?a :to _]]'
        self.refused(413, self.post(gateway, {"query": long, "in": [text]}), "limit: ")
        watch = self.watch(gateway, "[:find ?a :where [?a :to 7]]")
        self.assertEqual(watch.answer.status, 200)
        self.refused(503, self.post(gateway, {"query": BEDS, "watch": True}), "limit: 1 questions")
        watch.close()
        harness.wait_until(lambda: self.post(gateway, {"query": "[:find ?a :where [?a :to 8]]"})[0] == 200, "an answer")
        large = [[f"{i} {'x' * 200}", "n", f"{i} {'y' * 300}"] for i in range(20_000)]
        self.gridctl("--target", gateway.url, "facts", "import", "large", self.file("l.json", json.dumps(large)))
        full = self.send(gateway, "/v1/default/datalog/large?query=" + urllib.parse.quote("[:find ?e :where [?e :n]]"))
        self.refused(503, full, "limit: the indexes of facts take more than 8 MiB with that of map large")
        self.assertEqual(self.ask(gateway, "[:find (count ?a) . :where [?a :to _]]"), [[3_000]])

    def test_a_watch_that_outgrows_its_memory_ends_with_a_sentence(self):
        gateway = self.gateway("watch_memory=1KiB")
        self.huts(gateway)
        watch = self.watch(gateway, '[:find ?n :where [?h :many ?n]]')
        self.assertEqual(watch.answer.status, 200)
        facts = [[1, "many", i] for i in range(100)]
        self.gridctl("--target", gateway.url, "facts", "import", "huts", self.file("f.json", json.dumps(facts)),
                     "--schema", self.file("s.json", '{"many": "many"}'))
        last = line = watch.line()
        while line := watch.line():
            last = line
        self.assertIn("limit: the rows of the answer take more than 1024 bytes", last["error"])
        self.refused(413, self.post(gateway, {"query": "[:find ?n :where [?h :many ?n]]", "watch": True}), "limit: ")

    def test_a_watch_is_told_what_enters_and_leaves(self):
        gateway = self.gateway()
        self.huts(gateway)
        flat = self.watch(gateway, BEDS)
        summed = self.watch(gateway, "[:find (sum ?b) . :with ?h :where [?h :hut/beds ?b]]")
        self.assertEqual(flat.answer.getheader("content-type"), "application/x-ndjson")
        self.assertEqual(flat.lines(3), [change("enter", *row) for row in self.ask(gateway, BEDS)])
        before = summed.line()["row"][0]
        self.write(gateway, "5", "hut/beds", 97)
        self.assertEqual(flat.lines(2), [change("enter", "Fondsbu", 97), change("leave", "Fondsbu", 96)])
        self.assertEqual([summed.line(), summed.line()], [change("leave", before), change("enter", before + 1)])
        self.gridctl("--target", gateway.url, "facts", "delete", "huts", "5")
        self.assertEqual(flat.line(), change("leave", "Fondsbu", 97))
        self.assertEqual([summed.line(), summed.line()], [change("leave", before + 1), change("enter", before - 96)])
        self.assertEqual(self.figure(gateway, "watches"), 2)

    def test_a_watch_of_nothing_begins_and_waits(self):
        gateway = self.gateway()
        self.huts(gateway)
        watch = self.watch(gateway, "[:find ?n :where [_ :n ?n]]")
        self.assertEqual(watch.answer.status, 200)
        self.write(gateway, "100", "n", 7)
        self.assertEqual(watch.line(), change("enter", 7))

    # Nothing else happens then. What a slow machine had no time to tell before it expired is written again, for longer.
    def test_a_watch_is_told_when_a_fact_expires(self):
        gateway = self.gateway()
        self.huts(gateway)
        watch = self.watch(gateway, "[:find ?v :where [_ :here ?v]]")
        for seconds in (2, 8, 32):
            self.write(gateway, str(seconds), "here", seconds, "--ttl", f"{seconds}s")
            self.write(gateway, f"behind-{seconds}", "here", -seconds)
            told = watch.lines_until(change("enter", -seconds))
            if change("enter", seconds) in told:
                break
        if change("leave", seconds) not in told:
            watch.lines_until(change("leave", seconds))
        self.assertNotIn([seconds], self.ask(gateway, "[:find ?v :where [_ :here ?v]]"))

    # A clock that is two hours ahead stands for the two hours.
    def test_what_has_expired_is_in_no_answer(self):
        gateway = self.gateway()
        self.write(gateway, "1", "here", 1, "--ttl", "1h")
        self.write(gateway, "2", "here", 2, "--ttl", "3h")
        query = "[:find ?v :where [_ :here ?v]]"
        self.assertEqual(self.ask(gateway, query), [[1], [2]])
        self.assertEqual(gateway.stop(), 0)
        later = self.gateway(env={"GRID_WALL_OFFSET_MS": str(2 * 3_600_000)})
        self.assertEqual(self.ask(later, query), [[2]])
        self.assertEqual(later.stop(), 0)
        self.assertEqual(self.ask(self.gateway(env={"GRID_WALL_OFFSET_MS": "unknown"}), query), [[1], [2]])

    def test_what_a_slow_reader_is_told_adds_up(self):
        gateway = self.gateway()
        self.huts(gateway)
        watch = self.watch(gateway, "[:find ?v :where [100 :n ?v]]")
        for number in range(12):
            value = self.file("value.json", json.dumps([[100, "n", f"{number}" + "x" * 500_000]]))
            self.gridctl("--target", gateway.url, "facts", "import", "huts", value)
        self.write(gateway, "100", "n", "end")
        stands = set()
        while stands != {"end"}:
            told = watch.line()
            (row,) = told["row"]
            self.assertEqual(row in stands, told["change"] == "leave")
            stands ^= {row}
        self.assertEqual(self.ask(gateway, "[:find ?v :where [100 :n ?v]]"), [["end"]])

    def test_devices_watch_which_entities_their_answers_stand_on(self):
        gateway = self.gateway()
        self.huts(gateway)
        query = "[:find ?n :where [?h :hut/offers \"sauna\"] [?h :hut/name ?n]]"
        lost = "[:find ?n :where [?h :hut/offers \"library\"] [?h :hut/name ?n]]"
        one = self.start("--target", gateway.url, "datalog", "huts", query, "--watch")
        harness.wait_until(lambda: len(one.lines) == 1, "the first answer")
        # Asked for to be pulled and to be watched, before there is anything that it stands on.
        two = self.start("--target", gateway.url, "datalog", "huts", lost, "--watch")
        harness.wait_until(lambda: self.figure(gateway, "watches") == 4, "what both watch")
        self.gridctl("--target", gateway.url, "facts", "add", "huts", "6", "hut/offers", '"library"')
        harness.wait_until(lambda: len(two.lines) == 1, "a row that enters")
        for watching in (one, two):
            self.assertEqual(watching.stop(signal.SIGINT), 0)
        harness.wait_until(lambda: self.figure(gateway, "watches") == 0, "both are gone")

    def test_a_watch_is_over_when_nobody_is_there(self):
        gateway = self.gateway("idle=1s")
        self.huts(gateway)
        watch = self.watch(gateway, ALL_BEDS)
        watch.line()
        self.assertEqual(self.figure(gateway, "watches"), 1)
        watch.close()
        harness.wait_until(lambda: self.figure(gateway, "watches") == 0, "the end of the watch")

    def test_an_index_that_nobody_asks_for_is_let_go_of_and_a_preloaded_one_is_kept(self):
        gateway = self.gateway("idle=1s", "preload=huts")
        self.huts(gateway)
        self.send(gateway, "/v1/default/datalog/other?query=" + urllib.parse.quote("[:find ?e :where [?e :n]]"))
        self.assertEqual(self.figure(gateway, "questions_total"), 1)
        harness.wait_until(lambda: self.figure(gateway, "indexes") == 1, "one index")
        self.assertGreater(self.figure(gateway, "index_bytes"), 0)
        self.assertEqual(len(self.ask(gateway, BEDS)), 3)

    def test_of_more_maps_than_may_have_an_index_the_last_ones_have(self):
        gateway = self.gateway("preload=huts")
        self.huts(gateway)
        query = urllib.parse.quote("[:find ?e :where [?e :n]]")
        for number in range(70):
            self.assertEqual(self.send(gateway, f"/v1/default/datalog/m{number}?query={query}"), (200, ""))
        self.assertEqual(self.figure(gateway, "indexes"), 64)
        self.assertEqual(len(self.ask(gateway, BEDS)), 3)

    def test_after_a_restart_the_answers_are_the_same(self):
        gateway = self.gateway()
        self.huts(gateway)
        self.gridctl("--target", gateway.url, "facts", "delete", "huts", "24")
        before = self.answers(gateway)
        watch = self.watch(gateway, BEDS)
        watch.lines(3)
        self.assertEqual(gateway.stop(), 0)
        again = self.gateway("preload=huts")
        harness.wait_until(lambda: self.figure(again, "index_bytes") > 0, "an index before anybody asks")
        self.assertEqual(self.answers(again), before)
        self.assertEqual(again.stop(signal.SIGTERM), 0)

    def test_a_name_of_no_map_is_not_preloaded(self):
        refused = harness.Process([harness.program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data",
                                   self.path("bad"), "--set", "apps.facts.preload=a b"])
        self.assertNotEqual(refused.ended(), 0)
        self.assertIn("facts.preload: 'a b' is no name of a map", "\n".join(refused.errors))

    def test_who_may_not_read_all_of_a_map_asks_nothing(self):
        gateway, tokens = self.locked("clerk", "guest", "blind", "writer")
        self.write_as(gateway, tokens["clerk"], "1", "n", "7")
        question = {"query": "[:find ?n :where [_ :n ?n]]"}
        self.assertEqual(self.post(gateway, question, token=tokens["clerk"]), (200, "[7]\n"))
        self.assertEqual(self.post(gateway, question)[0], 401)
        for role in ("guest", "blind"):
            self.refused(403, self.post(gateway, question, token=tokens[role]), "shown to you in part")
        self.refused(403, self.post(gateway, question, token=tokens["writer"]), "no grant to read this in map huts")
        self.refused(403, self.send(gateway, "/v1/default/datalog/other?query=x", token=tokens["clerk"]), "no grant")
        watch = self.watch_as(gateway, tokens["clerk"], question["query"])
        self.assertEqual(watch.line(), change("enter", 7))
        self.gridctl("server", "--data", self.path("locked"), "revoke", "a-clerk")
        self.ends(watch)

    # It waits, so nothing but its right can end it.
    def test_a_right_that_a_reload_takes_ends_a_watch_that_waits(self):
        gateway, tokens = self.locked("clerk", "writer")
        self.write_as(gateway, tokens["clerk"], "1", "n", "7")
        watch = self.watch_as(gateway, tokens["clerk"], "[:find ?n :where [_ :n ?n]]")
        self.assertEqual(watch.line(), change("enter", 7))
        self.file("gridd.toml", CONFIG.replace('"huts", actions = ["read", "put"]', '"huts", actions = ["put"]'))
        gateway.child.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: any("configuration reloaded" in line for line in gateway.errors), "a reload")
        self.ends(watch)


if __name__ == "__main__":
    harness.main()
