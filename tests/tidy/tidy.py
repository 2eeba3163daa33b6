#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Style as a test: layers, banned calls, sizes, heads, READMEs, links and invariants. Prints rule and cure."""
import pathlib
import sys

import checks
import invariants
import rules
from tree import Tree


def violations_of(tree, exempt=None):
    """All violations but the exempt ones, and those exemptions that nothing needs."""
    exempt = rules.EXEMPT if exempt is None else exempt
    needed = set()
    for check in [*checks.ALL, invariants.check_invariants]:
        for violation in check(tree):
            key = (violation.path, violation.rule)
            if key in exempt:
                needed.add(key)
            else:
                yield violation
    for path, rule in exempt.keys() - needed:
        yield checks.Violation("exempt", path, 1, f"no longer breaks {rule}", "take it out of EXEMPT in rules.py")


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    tree = Tree(root)
    found = sorted(violations_of(tree), key=lambda violation: (violation.path, violation.line))
    for violation in found:
        print(f"{violation.path}:{violation.line}: [{violation.rule}] {violation.what}\n    cure: {violation.cure}")
    if naked := invariants.naked(tree):
        print(f"NAKED, without code or test that keeps them: {', '.join(naked)}")
    print(f"{len(tree.sources)} sources, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
