#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every rule of tidy fires on a sample that breaks it, and none on a tree that keeps them all."""
import pathlib
import sys
import tempfile
import unittest

import checks
import rules
import tidy
from source import Source
from tree import Tree

SPDX = "// SPDX-License-Identifier: Apache-2.0\n//\n"
HEAD = SPDX + "// What a sample is for.\n#pragma once\n"
PAGE = "docs/INVARIANTS.md"
INVARIANT = """# Invariants

CLK-1  A clock never goes back,
       whatever happens.
       kept by   crdt/clock.cc  Clock::tick
       tested by tests/unit/test_clock.cc  clock_rises
       if broken time is lost
"""
README = "A folder of samples.\n\nMay include: nothing.\n"

GOOD = {
    "crdt/README.md": README,
    "crdt/clock.h": HEAD + "#include <cstdint>\nnamespace grid { struct Clock { std::uint64_t tick(); }; }\n",
    "crdt/clock.cc": SPDX + '#include "crdt/clock.h"\n// CLK-1\nstd::uint64_t grid::Clock::tick() { return 1; }\n',
    "server/README.md": README,
    "server/ledger.cc": SPDX + "#include <vector>\nstd::vector<int> rows() { return {}; }\n",
    "storage/README.md": README + "`lmdb/`: that technology\n",
    "storage/lmdb/lmdb_store.cc": SPDX + "#include <lmdb.h>\n\n#include <string>\nstd::string name;\n",
    "tests/README.md": README + "`unit/`: small ones\n",
    "tests/unit/test_clock.cc": SPDX + "static void clock_rises(void**) {}\n",
    "docs/guide.md": "See [the invariants](INVARIANTS.md#clocks) and [the web](https://example.org).\n",
    PAGE: INVARIANT,
}


def cc(text):
    return {"crdt/bad.cc": SPDX + text}


LONG_FUNCTION = "int f() {\n" + "  g();\n" * rules.FUNCTION_LINES_MAX + "}\n"
HEAVY = "#include <sqlite3.h>\n"

# (rule, files that break it, and it alone)
BAD = [
    ("layer", cc('#include "server/ledger.h"\n') | {"server/ledger.h": HEAD}),
    ("layer", cc('#include "crdt/absent.h"\n')),
    ("layer", {"crdt/base/bad.cc": SPDX + '#include "crdt/clock.h"\n', "crdt/base/README.md": README}),
    ("layer", {"runtime/bad.cc": SPDX + '#include "storage/lmdb/lmdb_store.h"\n', "runtime/README.md": README,
               "storage/lmdb/lmdb_store.h": HEAD}),
    ("layer", {"attic/bad.cc": SPDX, "attic/README.md": README}),
    ("std", cc("#include <vector>\n")),
    ("std", {"tests/unit/bad.cc": SPDX + "#include <iostream>\n"}),
    ("library", cc("#include <lmdb.h>\n")),
    ("library", cc("#include <unistd.h>\n")),
    ("library", {"tests/unit/bad.cc": SPDX + "#include <boost/any.hpp>\n"}),
    ("heavy", {f"cli/bad{i}.cc": SPDX + HEAVY for i in range(3)} | {"cli/README.md": README}),
    ("heavy", {"cli/bad.h": HEAD + HEAVY, "cli/README.md": README}),
    ("function-lines", cc(LONG_FUNCTION)),
    ("function-lines", cc("".join(f"int f{i}() {{\n" + "  g();\n" * 20 + "}\n" for i in range(21)))),
    ("file-lines", cc("int x;\n" * rules.FILE_LINES_MAX)),
    ("columns", cc("// " + "x" * rules.COLUMNS_MAX + "\n")),
    ("spdx", {"crdt/bad.cc": "int x;\n"}),
    ("spdx", {"crdt/bad.cc": SPDX + SPDX}),
    ("head", {"crdt/bad.h": SPDX + "#pragma once\n"}),
    ("head", {"crdt/bad.h": SPDX + "// No guard.\n"}),
    ("readme", {"crdt/deep/bad.cc": SPDX}),
    ("readme", {"crdt/README.md": "| a | table |\n\nMay include: nothing.\n"}),
    ("readme", {"crdt/README.md": "A folder that hides what it includes.\n"}),
    ("todo", cc("// TODO later\n")),
    ("todo", cc("// TODO(unknown) later\n")),
    ("clang-tidy", {".clang-tidy": "Checks: >\n  -bugprone-x\n"}),
    ("link", {"docs/bad.md": "[gone](gone.md)\n"}),
    ("invariant", {PAGE: INVARIANT.replace("Clock::tick", "Clock::tock")}),
    ("invariant", {PAGE: INVARIANT.replace("clock_rises", "clock_falls")}),
    ("invariant", {PAGE: INVARIANT.replace("crdt/clock.cc", "crdt/gone.cc")}),
    ("invariant", {PAGE: INVARIANT.replace("       if broken time is lost\n", "")}),
    ("invariant", {PAGE: INVARIANT + "\n" + INVARIANT}),
    ("invariant", cc("// CLK-9\n")),
]

# group of banned calls -> code in crdt/ that must be found
BANNED = {
    "clock": ["auto t = time(nullptr);", "auto t = std::chrono::seconds{1};", "clock_gettime(0, &t);"],
    "random": ["int r = rand();", "std::mt19937 engine;"],
    "heap": ["int* p = new int;", "void f(int* p) { delete p; }", "std::string s;", "std::vector<int> v;",
             "void* p = malloc(4);"],
    "io": ['void f() { std::printf("x"); }', 'auto* f = fopen("x", "r");', "auto n = ::write(1, p, 4);"],
    "locale": ["double d = std::strtod(p, nullptr);", "bool b = isalpha(c);"],
    "threads": ["std::mutex lock;", "thread_local int x;"],
    "exceptions": ["void f() { throw 1; }", "auto* p = dynamic_cast<T*>(q);"],
    "disorder": ["std::unordered_map<int, int> m;"],
    "style": ["std::shared_ptr<int> p;", "std::function<void()> f;"],
}
# Looks like a banned call and is none.
HARMLESS = """
// time(nullptr), new, std::string and printf() in a comment
const char* kText = "std::vector new rand() time(0)";
struct S { S(const S&) = delete; void* operator()(void* p) { return ::new (p) int; } std::string_view name; };
std::uint64_t time(); int run_time(int); void f(S s) { s.time(0); s.read(p); wire::write(p); }
"""


def violations(files):
    """Of a tree of the good files, some replaced or added."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in (GOOD | files).items():
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return list(tidy.violations_of(Tree(folder), exempt={}))


class Rules(unittest.TestCase):
    def test_a_tree_that_keeps_the_rules_passes(self):
        self.assertEqual(violations({}), [])

    def test_each_rule_fires_on_its_sample_and_no_other_does(self):
        for rule, files in BAD:
            with self.subTest(rule=rule, files=list(files)):
                self.assertEqual({violation.rule for violation in violations(files)}, {rule})

    def test_each_banned_call_is_found_in_a_pure_folder(self):
        self.assertEqual(set(BANNED), set(rules.BANNED))
        for group, samples in BANNED.items():
            for sample in samples:
                with self.subTest(group=group, sample=sample):
                    found = {violation.what.split(":")[0] for violation in violations(cc(sample + "\n"))}
                    self.assertEqual(found, {group})

    def test_comments_strings_and_namesakes_are_no_calls(self):
        self.assertEqual(violations(cc(HARMLESS)), [])

    def test_a_naked_invariant_passes_and_is_listed(self):
        text = INVARIANT.replace("tests/unit/test_clock.cc  clock_rises", "NAKED  not written yet")
        self.assertEqual(violations({PAGE: text}), [])
        self.assertTrue(tidy.invariants.parse(text)[0].is_naked)

    def test_an_exemption_holds_for_one_rule_and_fails_once_it_is_not_needed(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, PAGE).parent.mkdir()
            pathlib.Path(folder, PAGE).write_text("")
            pathlib.Path(folder, "odd.py").write_text("")
            exempt = {("odd.py", "spdx"): "why", ("odd.py", "columns"): "no longer"}
            found = list(tidy.violations_of(Tree(folder), exempt))
        self.assertEqual([violation.rule for violation in found], ["exempt"])

    def test_every_check_has_a_sample(self):
        sampled = {rule for rule, _ in BAD} | {"banned", "exempt"}
        text = "".join(pathlib.Path(module.__file__).read_text() for module in (checks, tidy.invariants, tidy))
        named = set(checks.re.findall(r'Violation\("([\w-]+)"', text))
        self.assertEqual(named, sampled)


class Functions(unittest.TestCase):
    def names(self, text):
        return [(function.name, function.lines) for function in Source("x.cc", text).functions]

    def test_a_function_counts_from_its_signature_to_its_brace(self):
        self.assertEqual(self.names("int f(int a,\n      int b) {\n  return a;\n}\n"), [("f", 4)])

    def test_methods_constructors_and_operators_are_functions(self):
        text = ("class A : B {\n public:\n  A(int x) : x_{x}, y_(2) { g(); }\n  ~A() override {}\n  int x_{3};\n"
                "  bool operator==(const A&) const { return x; }\n};\n")
        self.assertEqual([name for name, _ in self.names(text)], ["A", "~A", "operator=="])

    def test_initializers_and_scopes_are_none(self):
        text = ("namespace a {\nconstexpr int kX[] = {1, 2};\nenum class E : int { a, b };\nint y{4};\n"
                "void f(S s = {});\n}\n")
        self.assertEqual(self.names(text), [])

    def test_lambdas_and_blocks_belong_to_their_function(self):
        text = "int f() {\n  auto g = [](int x) { return x; };\n  if (a) { b(); }\n  return g(1'000);\n}\n"
        self.assertEqual(self.names(text), [("f", 5)])


if __name__ == "__main__":
    sys.exit(unittest.main())
