#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks DataScript and us the same random questions about the same random facts, and compares the answers.

  differential.py --answer PROGRAM --node FOLDER [--cases 6000] [--first SEED]
  differential.py --answer PROGRAM --node FOLDER --replay FILE   one case again, as a failure printed it

Rows are compared as multisets, numbers as numbers, what averages are with a tolerance. A case that differs is made
smaller while it still differs, and printed whole.
"""
import argparse
import collections
import json
import os
import random
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
import datascript  # noqa: E402
import generate  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 500
KEPT_OUT_PERCENT_MAX = 5  # Of cases that DataScript refuses.
NOTHING = ("truth", "None")
# How it is seen in a question that it has one.
KINDS = {"not": "(not ", "not-join": "(not-join", "or": "(or ", "or-join": "(or-join", "rules": " %", "pull": "(pull ",
         "count": "(count ?", "sum": "(sum ", "with": ":with", "missing?": "(missing?", "get-else": "(get-else",
         "dates": "#inst"}


class Side:
    """A program that answers a line with a line. One that ends has answered with nothing, and is begun again."""

    def __init__(self, command):
        self.command = command
        self.begin()

    def begin(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, lines):
        """An answer for each line; None where the program ended instead."""
        answers = []
        while len(answers) < len(lines):
            self.ask_some(lines, answers)
        return answers

    def ask_some(self, lines, answers):
        def write():
            try:
                for line in lines[begun:]:
                    self.process.stdin.write(json.dumps(line) + "\n")
                self.process.stdin.flush()
            except (BrokenPipeError, ValueError):
                pass  # It has ended, which the reader sees.
        process = self.process
        begun = len(answers)
        said = []
        writer = threading.Thread(target=write)
        writer.start()
        for text in process.stdout:
            said.append(json.loads(text))
            if len(answers) + len(said) == len(lines):
                break
        process_ended = len(answers) + len(said) < len(lines)
        if process_ended:
            process.wait()
        writer.join()
        answers += said
        if process_ended:
            answers.append(None)
            self.begin()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# Texts of a case


def attributes_as(text, is_ours, rng):
    """@name@ as text, or as a keyword where we are asked."""
    parts = text.split("@")
    for at in range(1, len(parts), 2):
        parts[at] = f":{parts[at]}" if is_ours and rng.random() < 0.5 else f'"{parts[at]}"'
    return "".join(parts)


def find_text(case, shape):
    find = " ".join(text for text, _ in case["find"])
    return {"relation": find, "collection": f"[{find} ...]", "tuple": f"[{find}]", "scalar": f"{find} ."}[shape]


def question(case, is_ours):
    rng = random.Random(case["seed"])
    where = list(case["where"])
    rules = []
    for head, clauses, other in case["rules"]:
        body = list(other or clauses) if is_ours else list(clauses)
        if is_ours:
            rng.shuffle(body)
        rules.append(f"[{head} {' '.join(body)}]")
    if is_ours:
        rng.shuffle(where)
        rng.shuffle(rules)
    # DataScript is always asked for the whole relation; what the other shapes are of it is known.
    text = f"[:find {find_text(case, case['shape'] if is_ours else 'relation')}"
    if case["with"]:
        text += " :with " + " ".join(case["with"])
    inputs = [binding for binding, _ in case["in"]]
    rules_at = len(inputs) // 2 if rules else -1
    if rules:
        inputs.insert(rules_at, "%")
    text += " :in " + " ".join(["$"] + inputs)
    if where:
        text += " :where " + " ".join(where)
    if is_ours and case["order"]:
        text += " :order-by " + " ".join(
            case["find"][at][0] + (" :desc" if down else rng.choice(("", " :asc"))) for at, down in case["order"])
    if is_ours and case["limit"] is not None:
        text += f" :limit {case['limit']}"
    if is_ours and case["offset"]:
        text += f" :offset {case['offset']}"
    return {
        "schema": generate.SCHEMA, "facts": case["facts"], "query": attributes_as(text + "]", is_ours, rng),
        "rules": attributes_as("[" + " ".join(rules) + "]", is_ours, rng) if rules else "", "rules_at": rules_at,
        "inputs": [value for _, value in case["in"]],
    }


# Comparison


def plain(value, how):
    """A value such that equal ones are equal: numbers as numbers, sets and the lists of pull in order."""
    if isinstance(value, bool) or value is None:
        return ("truth", str(value))
    if isinstance(value, (int, float)):
        return ("number", float(f"{value:.9g}") if how == "near" else float(value))
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, list):
        items = [plain(item, how) for item in value]
        return ("list", tuple(sorted(items, key=repr)) if how in ("set", "pull") else tuple(items))
    if "$timestamp" in value:
        text = value["$timestamp"]
        return ("date", text if "." in text else text.replace("Z", ".000Z"))
    value = {"db/id" if name == "id" else name: item for name, item in value.items()}
    fields = [(name, plain(item, how)) for name, item in value.items()]
    fields = sorted(field for field in fields if field[1] != NOTHING)
    return ("record", tuple(fields)) if fields else NOTHING


def plain_rows(rows, case):
    hows = [how for _, how in case["find"]]
    return [tuple(plain(value, how) for value, how in zip(row, hows)) for row in rows]


def in_order(rows, case):
    for at, down in reversed(case["order"]):
        rows = sorted(rows, key=lambda row, at=at: row[at], reverse=down)
    rows = rows[case["offset"]:]
    return rows if case["limit"] is None else rows[:case["limit"]]


def difference(case, theirs, ours):
    """What differs, in a word; empty where nothing does."""
    if ours is None:
        return "we ended"
    if "error" in theirs:
        return ""
    if "error" in ours:
        return "we refuse: " + ours["error"]
    wanted, got = plain_rows(theirs["rows"], case), plain_rows(ours["rows"], case)
    if case["order"]:
        return "" if in_order(wanted, case) == got else "order"
    if case["shape"] in ("tuple", "scalar"):
        if len(got) != min(1, len(wanted)):
            return "rows"
        return "" if all(row in wanted for row in got) else "a row"
    return "" if collections.Counter(wanted) == collections.Counter(got) else "rows"


# Making a case smaller


def smaller(case):
    """Cases that lack a part of this one, the large parts first."""
    facts = case["facts"]
    size = len(facts) // 2
    while size > 0:
        for at in range(0, len(facts), size):
            yield {**case, "facts": facts[:at] + facts[at + size:]}
        size //= 2
    for part in ("where", "rules", "in", "with"):
        for at in range(len(case[part])):
            yield {**case, part: case[part][:at] + case[part][at + 1:]}
    for at in range(len(case["find"])):
        if len(case["find"]) > 1 and not case["order"]:
            yield {**case, "find": case["find"][:at] + case["find"][at + 1:]}
    if case["order"] or case["shape"] != "relation":
        yield {**case, "order": [], "limit": None, "offset": 0, "shape": "relation"}


def word_of(case, sides):
    theirs, ours = (side.ask([question(case, is_ours)])[0] for side, is_ours in zip(sides, (False, True)))
    return difference(case, theirs, ours), theirs, ours


def shrink(case, word, sides):
    is_refused = word.startswith("we ")
    progress = True
    while progress:
        progress = False
        for candidate in smaller(case):
            now, theirs, _ = word_of(candidate, sides)
            if now and "error" not in theirs and now.startswith("we ") == is_refused:
                case, progress = candidate, True
                break
    return case


def report(case, sides):
    word, theirs, ours = word_of(case, sides)
    print(f"seed {case['seed']}: {word}")
    print("  facts      ", json.dumps(case["facts"]))
    for name, is_ours in (("DataScript", False), ("we", True)):
        asked = question(case, is_ours)
        print(f"  {name:<11} {asked['query']}")
        if asked["rules"]:
            print(f"              % = {asked['rules']}")
    if case["in"]:
        print("  inputs     ", json.dumps([value for _, value in case["in"]]))
    print("  DataScript ", json.dumps(theirs))
    print("  we         ", json.dumps(ours))
    print("  again      ", json.dumps(case))


def run(options):
    node = datascript.install(options.node)
    sides = (Side(["node", os.path.join(HERE, "datascript.js"), os.path.abspath(node)]), Side([options.answer]))
    if options.replay:
        with open(options.replay, encoding="utf-8") as file:
            case = json.load(file)
        report(case, sides)
        return 1 if word_of(case, sides)[0] else 0
    failed, refused, rows, kinds = [], collections.Counter(), 0, collections.Counter()
    for first in range(options.first, options.first + options.cases, BATCH):
        seeds = range(first, min(first + BATCH, options.first + options.cases))
        cases = [generate.Generator(seed).case() for seed in seeds]
        asked = [[question(case, is_ours) for case in cases] for is_ours in (False, True)]
        answers = [None, None]
        threads = [threading.Thread(target=lambda at=at: answers.__setitem__(at, sides[at].ask(asked[at])))
                   for at in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for case, theirs, ours in zip(cases, *answers):
            if theirs is None:
                sys.exit(f"DataScript ended at seed {case['seed']}")
            if "error" in theirs:
                refused[theirs["error"][:60]] += 1
                if options.all:
                    print(f"seed {case['seed']}: DataScript refuses: {theirs['error'][:90]}")
                    print("  ", question(case, False)["query"], question(case, False)["rules"])
                continue
            rows += len(theirs["rows"])
            kinds["with rows" if theirs["rows"] else "empty"] += 1
            if theirs["rows"]:
                text = asked[0][case["seed"] - first]["query"]
                kinds.update(kind for kind, sign in KINDS.items() if sign in text)
            word = difference(case, theirs, ours)
            if word:
                failed.append((case, word))
        if failed and not options.all:
            break
    for case, word in failed[:options.show]:
        report(shrink(case, word, sides), sides)
    count = kinds["with rows"] + kinds["empty"]
    print(f"{count - len(failed)} cases of {count} are alike, {kinds['with rows']} of them with {rows} rows; "
          f"{sum(refused.values())} more that DataScript refuses")
    print("with rows: " + ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS))
    if options.all:
        for error, times in refused.most_common(12):
            print(f"  {times:5} {error}")
    for side in sides:
        side.close()
    absent = [kind for kind in KINDS if options.cases >= 5000 and kinds[kind] * 500 < options.cases]
    if absent:
        print(f"too few cases have rows and {', '.join(absent)}: the generator is to make more")
    too_many = sum(refused.values()) * 100 > KEPT_OUT_PERCENT_MAX * (count + sum(refused.values()))
    if too_many:
        print(f"DataScript refuses more than {KEPT_OUT_PERCENT_MAX} % of the cases: the generator is to know why")
    return 1 if failed or too_many or absent else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answer", required=True)
    parser.add_argument("--node", required=True)
    parser.add_argument("--cases", type=int, default=6000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--replay")
    parser.add_argument("--show", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="go on behind the first batch that differs")
    sys.exit(run(parser.parse_args()))


if __name__ == "__main__":
    main()
