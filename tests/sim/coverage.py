# SPDX-License-Identifier: Apache-2.0
"""How many lines of the core the simulator's stories and a run of seeds have reached, as gcov counted them in a tree
that was built with --coverage.

usage: coverage.py TREE. Prints a line for each folder and each file that has lines left, and exits with 1 below LEAST.
"""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = ("crdt", "runtime", "server")
NOT_CORE = ("server/host/", "server/main.cc", "runtime/grid/")  # Shells, and the embedding API above the machines.
LEAST = 0.90


def lines_of(tree):
    """{file: {line: times run}} over all objects of the core."""
    counts = {}
    data = [str(path.resolve()) for folder in CORE for path in (tree / folder).rglob("*.gcda")]
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["gcov", "--json-format", "--preserve-paths", *data], cwd=scratch, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for report in pathlib.Path(scratch).glob("*.gcov.json.gz"):
            for file in json.loads(gzip.decompress(report.read_bytes()))["files"]:
                add(counts, file)
    return counts


def add(counts, file):
    path = pathlib.Path(file["file"])
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""
    if not name.startswith(tuple(folder + "/" for folder in CORE)) or name.startswith(NOT_CORE):
        return
    lines = counts.setdefault(name, {})
    for line in file["lines"]:
        lines[line["line_number"]] = lines.get(line["line_number"], 0) + line["count"]


def main(tree):
    counts = lines_of(pathlib.Path(tree))
    all_reached = all_lines = 0
    for folder in CORE:
        files = {name: lines for name, lines in counts.items() if name.startswith(folder + "/")}
        total = sum(len(lines) for lines in files.values())
        reached = sum(count > 0 for lines in files.values() for count in lines.values())
        if total == 0:
            sys.exit(f"coverage: nothing was counted in {folder}/")
        all_reached, all_lines = all_reached + reached, all_lines + total
        print(f"{folder + '/':10} {reached:5} of {total:5} lines, {100 * reached / total:5.1f} %")
        for name, lines in sorted(files.items()):
            missed = sorted(number for number, count in lines.items() if count == 0)
            if missed:
                print(f"  {name}: {len(missed)} not reached: {', '.join(map(str, missed[:12]))}"
                      + (", ..." if len(missed) > 12 else ""))
    print(f"together   {all_reached:5} of {all_lines:5} lines, {100 * all_reached / all_lines:5.1f} %")
    if all_reached < LEAST * all_lines:
        sys.exit(f"coverage: below {100 * LEAST:.0f} %")


if __name__ == "__main__":
    main(sys.argv[1])
