#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs libFuzzer programs of a tree, two at a time, and prints a line for each: executions, coverage, findings.

What a run finds worth keeping stays in TREE/corpus/TARGET and is built upon by the next; a finding is left in
TREE/findings/TARGET, and what the program said of it in TREE/findings/TARGET.log. Exits with 1 on a finding.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds_of(text):
    match = re.fullmatch(r"(\d+)([smh]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is no duration: 60s, 10m or 1h")
    return int(match[1]) * UNITS[match[2]]


def targets_of(tree):
    return sorted(program.name.removeprefix("fuzz_") for program in (tree / "tests").glob("fuzz_*"))


def run(tree, target, seconds):
    """Fuzzes one target; returns its line, and whether nothing was found."""
    corpus, findings = tree / "corpus" / target, tree / "findings" / target
    log = tree / "findings" / f"{target}.log"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    command = [tree / "tests" / f"fuzz_{target}", f"-max_total_time={seconds}", "-max_len=2048", "-timeout=20",
               "-rss_limit_mb=3072", "-print_final_stats=1", f"-artifact_prefix={findings}/", corpus,
               HERE / "corpus" / target]
    with log.open("w") as said:
        status = subprocess.run(command, stdout=said, stderr=said, check=False,
                                env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"}).returncode
    text = log.read_text(errors="replace")
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text) or re.findall(r"^#(\d+)", text, re.M)
    coverage = re.findall(r"\bcov: (\d+)", text)
    found = sorted(set(findings.iterdir()) - before)
    line = (f"fuzz_{target:<12} {int(executions[-1]) if executions else 0:>12,} executions"
            f"  {coverage[-1] if coverage else 0:>5} edges  {len(found)} findings")
    for path in found:
        line += f"\n  {path}\n  replay it with {tree}/tests/replay_{target} {path}; see {log}"
    if status != 0 and not found:
        line += f"\n  exited with {status}: see {log}"
    return line, status == 0 and not found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=pathlib.Path)
    parser.add_argument("target", nargs="*")
    parser.add_argument("--for", dest="seconds", type=seconds_of, default=60, metavar="DURATION")
    arguments = parser.parse_args()
    tree = arguments.tree.resolve()
    known = targets_of(tree)
    wanted = [target.removeprefix("fuzz_") for target in arguments.target] or known
    for target in wanted:
        if target not in known:
            sys.exit(f"there is no fuzz target {target}; there are {', '.join(known)}")
    good = True
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for line, is_clean in pool.map(lambda target: run(tree, target, arguments.seconds), wanted):
            print(line, flush=True)
            good = good and is_clean
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
