# SPDX-License-Identifier: Apache-2.0
"""Keeps docs/INVARIANTS.md true: each invariant has one id, code that keeps it and a test that enforces it, by name.

    CLK-1  What always holds, in a sentence; goes on
           on lines that are indented.
           kept by   FILE  SYMBOL
           tested by FILE  NAME
           if broken what somebody would see

A gap is written as `NAKED  why` in the place of FILE and SYMBOL, and is listed whenever tidy runs.
"""
import re
from dataclasses import dataclass, field

from checks import Violation

PAGE = "docs/INVARIANTS.md"
_ID = r"[A-Z]{3}-\d+"


@dataclass
class Invariant:
    id: str
    line: int
    kept: list = field(default_factory=list)  # (line, file, symbol)
    tested: list = field(default_factory=list)
    if_broken: str = ""

    @property
    def is_naked(self):
        return any(file == "NAKED" for _, file, _ in self.kept + self.tested)


def parse(text):
    """The invariants of the page, in order."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if head := re.match(rf"({_ID})  \S", line):
            found.append(Invariant(head.group(1), number))
        elif found and (entry := re.match(r" +(kept by|tested by)\s+(\S+)\s+(\S.*)$", line)):
            entries = found[-1].kept if entry.group(1) == "kept by" else found[-1].tested
            entries.append((number, entry.group(2), entry.group(3).strip()))
        elif found and (broken := re.match(r" +if broken\s+(\S.*)$", line)):
            found[-1].if_broken = broken.group(1)
    return found


def _holds(tree, file, symbol, call):
    """Whether `file` has `symbol` in its code; `call`: as a function."""
    source = tree.sources.get(file)
    if source is None:
        return False
    pattern = rf"\b{re.escape(symbol.split('::')[-1])}\b" + (r"\s*\(" if call else "")
    return re.search(pattern, source.code if source.is_cpp else source.text) is not None


def check_invariants(tree):
    text = tree.documents.get(PAGE)
    if text is None:
        yield Violation("invariant", PAGE, 1, "does not exist", "it lists what must always hold")
        return
    found = parse(text)
    seen = set()
    for invariant in found:
        if invariant.id in seen:
            yield Violation("invariant", PAGE, invariant.line, f"{invariant.id} stands twice", "an id is never reused")
        seen.add(invariant.id)
        yield from _check_entries(tree, invariant)
    yield from _check_references(tree, seen)


def _check_entries(tree, invariant):
    if not (invariant.kept and invariant.tested and invariant.if_broken):
        yield Violation("invariant", PAGE, invariant.line,
                        f"{invariant.id} lacks `kept by`, `tested by` or `if broken`", "say them, or NAKED and why")
    for line, file, symbol in invariant.kept:
        if file != "NAKED" and not _holds(tree, file, symbol, call=False):
            yield Violation("invariant", PAGE, line, f"{invariant.id}: no {symbol} in {file}", "name what keeps it now")
    for line, file, symbol in invariant.tested:
        if file != "NAKED" and not _holds(tree, file, symbol, call=file.endswith((".cc", ".h"))):
            yield Violation("invariant", PAGE, line, f"{invariant.id}: no test {symbol} in {file}", "name the test")


def _check_references(tree, ids):
    """Ids that comments speak of exist."""
    prefixes = "|".join(sorted({id.split("-")[0] for id in ids})) or "CLK"
    for source in tree.cpp():
        for match in re.finditer(rf"\b(?:{prefixes})-\d+\b", source.comments):
            if match.group() not in ids:
                line = source.line_at(source.text.index(match.group()))
                yield Violation("invariant", source.path, line, f"{match.group()} is not in {PAGE}", "add it there")


def naked(tree):
    return [invariant.id for invariant in parse(tree.documents.get(PAGE, "")) if invariant.is_naked]
