#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up what ctest left in a folder: one TREE.xml (JUnit) and one TREE.tests.json (its list of tests) a tree.

Prints the slowest tests beside what they declared, whatever a failed test said, and as the last line the sum:
`N passed, N failed[, N skipped]`. A program of cmocka or unittest counts as the tests in it, any other as one.
Exits with 1 when a test failed, or when none ran.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

SLOWEST = 10


class Outcome:
    """What became of one ctest test in one tree."""

    def __init__(self, tree, case, declared_seconds):
        self.name = f"{tree}/{case.get('name')}"
        self.seconds = float(case.get("time") or 0)
        self.declared_seconds = declared_seconds
        self.output = case.findtext("system-out") or ""
        self.failed = case.get("status") in ("fail", "notrun") and case.find("skipped") is None
        self.skipped = not self.failed and case.get("status") != "run"
        failure = case.find("failure")
        self.reason = (failure is not None and failure.get("message")) or case.get("status")

    def count(self, pattern):
        return sum(int(number) for number in re.findall(pattern, self.output, re.MULTILINE))

    def counts(self):
        """(passed, failed, skipped) as a program of cmocka or unittest says it; zeros if it is neither."""
        if ran := self.count(r"^Ran (\d+) tests? in "):
            failed, skipped = self.count(r"\b(?:failures|errors)=(\d+)"), self.count(r"\bskipped=(\d+)")
            return ran - failed - skipped, failed, skipped
        return tuple(self.count(rf"^\[  {word} *\] (\d+) test") for word in ("PASSED", "FAILED", "SKIPPED"))

    def sums(self):
        """The same, for any program."""
        passed, failed, skipped = self.counts()
        if self.failed:
            return passed, max(failed, 1), skipped
        if self.skipped:
            return 0, 0, 1
        return max(passed, 0 if skipped else 1), 0, skipped


def declared_seconds(tests_json):
    declared = {}
    for test in json.loads(tests_json.read_text())["tests"]:
        for entry in test.get("properties", []):
            if entry["name"] == "COST":
                declared[test["name"]] = entry["value"]
    return declared


def outcomes(folder):
    for xml in sorted(folder.glob("*.xml")):
        declared = declared_seconds(xml.with_suffix(".tests.json"))
        for case in ElementTree.parse(xml).getroot().iter("testcase"):
            yield Outcome(xml.stem, case, declared.get(case.get("name")))


def print_slowest(found):
    print(f"\n{'slowest':<58} {'declared':>9} {'actual':>9}")
    for outcome in sorted(found, key=lambda outcome: -outcome.seconds)[:SLOWEST]:
        declared = "-" if outcome.declared_seconds is None else f"{outcome.declared_seconds:.0f} s"
        over = "  over" if outcome.seconds > (outcome.declared_seconds or outcome.seconds) else ""
        print(f"{outcome.name:<58} {declared:>9} {outcome.seconds:>7.1f} s{over}")


def print_failures(found):
    for outcome in found:
        if outcome.failed:
            print(f"\n==== {outcome.name}: {outcome.reason}\n{outcome.output.rstrip()}")


def main():
    found = list(outcomes(pathlib.Path(sys.argv[1])))
    print_slowest(found)
    print_failures(found)
    passed, failed, skipped = (sum(column) for column in zip((0, 0, 0), *(outcome.sums() for outcome in found)))
    print(f"\n{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
