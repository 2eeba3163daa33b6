# SPDX-License-Identifier: Apache-2.0
"""Datalog beside the npm package `datascript` in one run: the same facts, the same questions, turn by turn, and equally
many rows. Ours starts from the text each time; DataScript keeps what it has parsed, and has an index of every
attribute. Figures are rates: a ratio says how many times as fast. Then a million facts of ours alone.

    ./dev bench datalog [--full]
"""
import json
import os
import pathlib
import random
import select
import subprocess
import sys

import bench

ROOT = pathlib.Path(os.environ["GRID_SOURCE"])
sys.path.insert(0, str(ROOT / "tests/datalog"))
import datascript  # noqa: E402  lies with the differential suite

RUNS = 5
WARM = 2
DEADLINE_S = 30  # For one answer: then its program is ended, and the figure is a bound.
MEMORY_MIB = 4096  # That Node.js may take.
SHORT_MS = 20  # A question that is answered sooner is asked several times.

FIRST = ["Ada", "Bob", "Cy", "Dee", "Eve", "Fay", "Gus", "Hal", "Ivy", "Jo"]
RIGHT = '[[(reach ?a ?b) [?a "to" ?b]] [(reach ?a ?b) [?a "to" ?x] (reach ?x ?b)]]'
LEFT = '[[(reach ?a ?b) [?a "to" ?b]] [(reach ?a ?b) (reach ?a ?x) [?x "to" ?b]]]'

QUESTIONS = [
    ("point, by a unique value", '[:find ?e :where [?e "email" "user77@example.org"]]'),
    ("2 hops", '[:find ?n :where [?e "email" "user77@example.org"] [?e "friend" ?f] [?f "name" ?n]]'),
    ("2 hops, clauses in bad order",
     '[:find ?n :where [?f "name" ?n] [?e "friend" ?f] [?e "email" "user77@example.org"]]'),
    ("4 hops",
     '[:find ?e ?n :where [?e "age" 30] [?e "friend" ?b] [?b "boss" ?c] [?c "city" "city 7"] [?c "name" ?n]]'),
    ("4 hops, clauses in bad order",
     '[:find ?e ?n :where [?c "name" ?n] [?b "boss" ?c] [?e "friend" ?b] [?c "city" "city 7"] [?e "age" 30]]'),
    ("range", '[:find ?e ?s :where [?e "salary" ?s] [(> ?s 8500)]]'),
    ("three fields of everybody", '[:find ?e ?n ?a ?s :where [?e "name" ?n] [?e "age" ?a] [?e "sex" ?s]]'),
    ("not", '[:find ?e :where [?e "city" "city 7"] (not [?e "sex" "m"])]'),
    ("aggregate by group", '[:find ?c (avg ?s) (count ?e) :where [?e "city" ?c] [?e "salary" ?s]]'),
]
GRAPHS = [
    ("chain of 200", [(i, i + 1) for i in range(1, 201)]),
    ("clique of 8", [(i, j) for i in range(1, 9) for j in range(1, 9) if i != j]),
]


class Answerer:
    """A program that takes orders. One that was ended comes again with the facts that it had."""

    def __init__(self, command):
        self.command = command
        self.facts = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def order(self, line, deadline_s=600):
        """None: it took too long, or more memory than it may."""
        if line.startswith(("load ", "add ")):
            self.facts = line
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], deadline_s)
        said = self.process.stdout.readline() if ready else b""
        if said:
            return json.loads(said)
        self.process.kill()
        self.process.wait()
        self.start()
        self.order(self.facts)
        return None

    def ask(self, question, rules="", inputs=(), times=1):
        order = {"query": question, "rules": rules, "inputs": list(inputs), "times": times}
        return self.order("ask " + json.dumps(order), DEADLINE_S)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def people(count, path, mixed=False):
    """About `count` facts of people who have bosses and friends."""
    dice = random.Random(7)
    persons = count // 10
    facts = []
    for entity in range(1, persons + 1):
        facts += [
            [entity, "name", f"{dice.choice(FIRST)} {entity}", "one"],
            [entity, "email", f"user{entity}@example.org", "one"],
            [entity, "age", dice.randrange(1, 100), "one"],
            [entity, "salary", round(dice.uniform(1000, 9000), 2), "one"],
            [entity, "sex", dice.choice("mf"), "one"],
            [entity, "city", f"city {dice.randrange(100)}", "one"],
            [entity, "boss", dice.randrange(1, persons + 1), "ref"],
        ]
        facts += [[entity, "friend", friend, "refMany"] for friend in dice.sample(range(1, persons + 1), 3)]
    if mixed:
        dice.shuffle(facts)
    path.write_text("".join(json.dumps(fact) + "\n" for fact in facts), encoding="utf-8")


def graph(edges, path):
    path.write_text("".join(json.dumps([a, "to", b, "refMany"]) + "\n" for a, b in edges), encoding="utf-8")


def compare(figures, name, ours, peer, question, rules="", inputs=()):
    first = ours.ask(question, rules, inputs)
    other = peer.ask(question, rules, inputs)
    if other is None:
        mine = [1000 / ours.ask(question, rules, inputs)["ms"] for _ in range(RUNS)]
        figures.tell(f"{name} ({first['rows']} rows)", "1/s", mine, "datascript, ended, below", [1 / DEADLINE_S] * RUNS)
        return
    if first["rows"] != other["rows"]:
        raise AssertionError(f"{name}: {first['rows']} rows, and datascript has {other['rows']}")
    times = {one: max(1, min(1000, int(SHORT_MS / max(said["ms"], 0.001))))
             for one, said in ((ours, first), (peer, other))}
    runs = [[one.ask(question, rules, inputs, times[one])["ms"] for one in (ours, peer)] for _ in range(WARM + RUNS)]
    mine, theirs = zip(*([1000 / ms for ms in run] for run in runs[WARM:]))
    figures.tell(f"{name} ({first['rows']} rows)", "1/s", mine, "datascript", theirs)


def loads(figures, ours, peer, path):
    for verb, name in (("add", "facts one after the other"), ("load", "facts at once")):
        runs = [[one.order(f"{verb} {path}") for one in (ours, peer)] for _ in range(1 + RUNS)][1:]
        mine, theirs = zip(*runs)
        if {one["rows"] for one in mine} != {one["rows"] for one in theirs}:
            raise AssertionError("unequally many facts")
        rows = mine[0]["rows"]
        figures.tell(f"{rows} {name}, thousands", "1/s", [rows / one["ms"] for one in mine], "datascript",
                     [rows / one["ms"] for one in theirs])
    figures.tell("memory of a fact", "B", [one["bytes"] / rows for one in mine], "datascript",
                 [one["bytes"] / rows for one in theirs])


def recursion(figures, ours, peer, folder):
    dice = random.Random(11)
    edges = sorted({(dice.randrange(1, 10001), dice.randrange(1, 10001)) for _ in range(20000)})
    for name, all_edges in [*GRAPHS, ("20,000 edges", edges)]:
        path = folder / "graph"
        graph(all_edges, path)
        for one in (ours, peer):
            one.order(f"load {path}")
        if name != "20,000 edges":
            compare(figures, f"closure, {name}", ours, peer, "[:find ?a ?b :in $ % :where (reach ?a ?b)]", RIGHT)
        for rules, kind in ((RIGHT, "right"), (LEFT, "left")):
            compare(figures, f"reached from one, {name}, {kind}-recursive", ours, peer,
                    "[:find ?b :in $ % ?a :where (reach ?a ?b)]", rules, [edges[0][0] if len(all_edges) > 1000 else 1])


def million(figures, ours, folder):
    path = folder / "million"
    for verb, mixed, name in (("load", True, "at once, mixed up"), ("add", False, "one by one, in order"),
                              ("add", True, "one by one, mixed up")):
        people(1_000_000, path, mixed)
        runs = [ours.order(f"{verb} {path}") for _ in range(3)]
        figures.tell(f"{runs[0]['rows']} facts {name}", "ms", [one["ms"] for one in runs])
        figures.tell(f"{runs[0]['rows']} facts {name}, thousands", "1/s", [one["rows"] / one["ms"] for one in runs])
        figures.tell(f"{runs[0]['rows']} facts {name}: memory of one", "B",
                     [one["bytes"] / one["rows"] for one in runs])


with bench.run("bench_datalog") as (figures, folder):
    package = datascript.install(str(ROOT / "build/node"))
    ours = Answerer([str(pathlib.Path(os.environ["GRID_BIN"]) / "grid_answerer")])
    peer = Answerer(["node", "--expose-gc", f"--max-old-space-size={MEMORY_MIB}",
                     str(ROOT / "tests/bench/datascript.js"), package])
    facts = folder / "people"
    people(100_000, facts)
    loads(figures, ours, peer, facts)
    for name, question in QUESTIONS:
        compare(figures, name, ours, peer, question)
    recursion(figures, ours, peer, folder)
    million(figures, ours, folder)
    for one in (ours, peer):
        one.stop()
