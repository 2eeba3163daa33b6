#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The judge is judged: puts one known fault into the code at a time, and says whether the simulator finds it.

Each *.patch beside this file is a mutant. A copy of the tree is built with it, then the seeds that once found something
are run, then others, then the told scenarios: whatever fails first has killed it. A mutant that lives is a hole in the
judge.
"""
import argparse
import concurrent.futures
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCENARIOS = ("sim_scenarios", "sim_protocol", "sim_protocol_heal", "sim_protocol_ops", "sim_protocol_pull",
             "sim_access", "sim_collection", "sim_policy", "sim_letters", "sim_units", "sim_upkeep", "sim_views",
             "sim_facts", "sim_fact_faults", "sim_fact_expiry", "sim_fact_model", "sim_fact_scopes", "sim_live")
# The simulator's stores are in memory: what is broken on flash is for the sweep of power cuts to find.
FLASH = ("test_flash_cuts",)
# What is broken of queries is for their own tests to find, unless a patch names a scenario of the simulator.
QUERY = ("test_query_engine", "test_live_query", "test_fact_engine", "test_live_facts", "test_fact_pull")
# And what a gateway says of entities for the tests of those who say it.
ENTITIES = ("test_server_entities", "test_server_security", "test_entity_desk")
ENTITY_SOURCES = ("server/entity_asks.cc", "server/coordinator_asks.cc", "server/host/entity_desk.cc")
UNITS = {program: ROOT / "tests/unit/query" for program in QUERY} | {
    program: ROOT / "tests/unit" / ("server" if "server" in program else "engine") for program in ENTITIES}
PARTIAL = "\n--- a/runtime/query/row_tests.cc"
BUILD_SECONDS_MAX = 900
# Whoever needs so much, and several times what the same takes without a fault, stands still.
RUN_SECONDS_MAX = 120


@dataclass(frozen=True)
class Mutant:
    name: str
    path: pathlib.Path
    breaks: str    # The rules that it removes.
    told_as: str   # The scenario that tells what they are for; empty where only seeds do.
    judges: tuple = ()  # The programs that must find it; none: the simulator.


@dataclass
class Verdict:
    mutant: Mutant
    killed_by: str = ""
    error: str = ""
    seconds: float = 0


def read_mutant(path):
    """The head of a patch: a sentence, `Breaks:`, and perhaps `Told as:`."""
    head = path.read_text(encoding="utf-8").split("\n--- ", 1)[0]
    breaks = re.search(r"^Breaks: ((?:PROTOCOL P\d+|[A-Z]{3}-\d)(?:, (?:PROTOCOL P\d+|[A-Z]{3}-\d))*)$", head, re.M)
    told = re.search(r"^Told as: (\w+)$", head, re.M)
    if breaks is None or head.startswith("Breaks:"):
        raise ValueError(f"{path.name}: it must begin with a sentence, and name what it removes: `Breaks: PROTOCOL P4`")
    text = path.read_text(encoding="utf-8")
    # What a partial replica is lent is the simulator's.
    is_query = "\n--- a/crdt/query/" in text or "\n--- a/runtime/query/" in text.replace(PARTIAL, "")
    is_entities = any(f"\n--- a/{source}" in text for source in ENTITY_SOURCES)
    judges = FLASH if "\n--- a/storage/flash/" in text else QUERY if is_query else ENTITIES if is_entities else ()
    return Mutant(path.stem, path, breaks[1], told[1] if told else "", judges)


def read_mutants(pattern=""):
    return [mutant for mutant in map(read_mutant, sorted(HERE.glob("*.patch"))) if re.search(pattern, mutant.name)]


def scenarios():
    """All told scenarios, each with its program."""
    found = {}
    for program in SCENARIOS:
        source = ROOT / "tests/sim" / f"test_{program.removeprefix('sim_')}.cc"
        for name in re.findall(r"cmocka_unit_test\((\w+)\)", source.read_text(encoding="utf-8")):
            found[name] = program
    for program in FLASH:
        source = ROOT / "tests/flash" / f"{program.removeprefix('test_')}_test.cc"
        for name in re.findall(r"\bsweep_test\((\w+)\),", source.read_text(encoding="utf-8")):
            found[name] = program
    for program, folder in UNITS.items():
        source = (folder / f"{program}.cc").read_text(encoding="utf-8")
        for name in re.findall(r"cmocka_unit_test(?:_setup_teardown)?\((\w+)[,)]", source):
            found[name] = program
    return found


def apply_patch(tree, patch, *options):
    """As if `tree` were no part of a repository: otherwise what lies outside the index is passed over."""
    environment = dict(os.environ, GIT_CEILING_DIRECTORIES=str(pathlib.Path(tree).resolve().parent))
    command = ["git", "apply", *options, str(patch)]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode != 0 else ""


def check():
    """What is quick to see: every patch applies, names its rule, and its scenario exists."""
    told = scenarios()
    failed = 0
    for path in sorted(HERE.glob("*.patch")):
        try:
            mutant = read_mutant(path)
        except ValueError as error:
            problem = str(error)
        else:
            problem = apply_patch(ROOT, path, "--check")
            if not problem and mutant.told_as and mutant.told_as not in told:
                problem = f"there is no scenario {mutant.told_as} in tests/sim, tests/flash or tests/unit"
        if problem:
            failed += 1
            print(f"{path.name}: {problem}\n    cure: take up what has changed in the code, or give the fault up")
    print(f"{len(list(HERE.glob('*.patch')))} mutants, {failed} of no use")
    return 1 if failed else 0


def run(command, seconds):
    """Exit status and output; the status is None when it took longer than that."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        try:
            output, _ = process.communicate(timeout=seconds)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            process.kill()
            return None, process.communicate()[0]


class Workshop:
    """A copy of the tree, and what is built of it."""

    def __init__(self, folder):
        self.source = folder / "tree"
        self.build = folder / "build"
        self.run_seconds_max = 3_600

    def fill(self):
        """Files that have not changed stay as they are: so only what is new is built."""
        command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"]
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
        wanted = {path for path in listed if path and (ROOT / path).is_file()}
        for path in wanted:
            here, there = ROOT / path, self.source / path
            if there.is_file() and there.read_bytes() == here.read_bytes():
                continue
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(here, there)
        for there in [file for file in self.source.rglob("*") if file.is_file()]:
            if there.relative_to(self.source).as_posix() not in wanted:
                there.unlink()

    def make(self):
        """Empty, or why it does not build."""
        if not (self.build / "build.ninja").is_file():
            command = ["cmake", "-S", str(self.source), "-B", str(self.build), "-G", "Ninja",
                       "-DCMAKE_BUILD_TYPE=RelWithDebInfo"]
            status, output = run(command, BUILD_SECONDS_MAX)
            if status != 0:
                return output
        command = ["ninja", "-C", str(self.build), "-j", "2", "grid_sim", *SCENARIOS, *FLASH, *UNITS]
        status, output = run(command, BUILD_SECONDS_MAX)
        return output if status != 0 else ""

    def failing_seeds(self, first, last, most):
        """Seeds in the order in which they fail, at most so many; what stopped the run otherwise comes last."""
        return self.failing_of("--seeds", f"{first}..{last}", "--failures", str(most))

    def failing_regressions(self):
        """The same of the seeds that once found something."""
        return self.failing_of("--seeds-file", str(self.source / "tests/sim/regressions.txt"))

    def failing_of(self, *which):
        command = [str(self.build / "tests/grid_sim"), "--no-shrink", *which]
        status, output = run(command, self.run_seconds_max)
        failed = [(int(seed), what) for seed, what in re.findall(r"^seed (\d+) FAILED: (.*)$", output, re.M)]
        if status is None:
            failed.append((0, f"stands still for {self.run_seconds_max:.0f} s"))
        elif status not in (0, 1):
            failed.append((0, f"ends with {status}: {output.strip().splitlines()[-1] if output.strip() else ''}"))
        return failed

    def failing_scenarios(self, programs=SCENARIOS):
        failed = []
        for program in programs:
            status, output = run([str(self.build / "tests" / program)], self.run_seconds_max)
            names = re.findall(r"^\[  FAILED  \] (?!\d)(\w+)", output, re.M)
            if status != 0 and not names:
                started = re.findall(r"^\[ RUN      \] (\w+)", output, re.M)
                names = started[-1:] or [program]
            failed.extend(name for name in dict.fromkeys(names) if name not in failed)
        return failed


def judge(mutant, shop, options, known):
    """Puts the fault in, looks for what kills it, and takes it out again."""
    begin = time.monotonic()
    verdict = Verdict(mutant)
    verdict.error = apply_patch(shop.source, mutant.path)
    if not verdict.error:
        verdict.error = shop.make()
        if not verdict.error:
            verdict.killed_by, verdict.error = killer(mutant, shop, options, known)
        undone = apply_patch(shop.source, mutant.path, "-R")
        verdict.error = verdict.error or undone
    verdict.seconds = time.monotonic() - begin
    return verdict


def killer(mutant, shop, options, known):
    """What kills the mutant, and what is wrong with the mutant."""
    if options.told:
        failed = shop.failing_scenarios([scenarios()[mutant.told_as]])
        told = mutant.told_as in failed
        return (mutant.told_as, "") if told else ("", f"{mutant.told_as} does not fail, but: {', '.join(failed)}")
    if mutant.judges and scenarios().get(mutant.told_as) not in SCENARIOS:
        return ", ".join(shop.failing_scenarios(mutant.judges)), ""
    for seed, what in shop.failing_regressions() + shop.failing_seeds(1, options.seeds, len(known) + 1):
        if seed not in known:
            return f"seed {seed}: {what}" if seed else what, ""
    return ", ".join(shop.failing_scenarios()), ""


def prepare(shop, first, last):
    """Seeds that fail without any fault."""
    shop.fill()
    problem = shop.make()
    if problem:
        raise RuntimeError(f"the tree does not build:\n{problem}")
    failed = shop.failing_seeds(first, last, last) if last >= first else []
    if any(seed == 0 for seed, _ in failed):
        raise RuntimeError(f"the tree without a fault: {failed[-1][1]}")
    return {seed for seed, _ in failed}


def prepare_all(shops, options, workers):
    last = 0 if options.told else options.seeds
    bounds = [last * i // len(shops) for i in range(len(shops) + 1)]
    known = set().union(*workers.map(prepare, shops, (low + 1 for low in bounds), bounds[1:]))
    failed = shops[0].failing_scenarios(SCENARIOS + FLASH + tuple(UNITS))
    if failed:
        raise RuntimeError(f"the tree without a fault fails: {', '.join(failed)}")
    if known:
        print(f"{len(known)} of {last} seeds fail without any fault, and don't count: {sorted(known)}")
    return known


def print_verdict(verdict, width):
    how = verdict.killed_by or "LIVES"
    if verdict.error:
        how = "ERROR: " + verdict.error[-1_500:]
    print(f"{verdict.mutant.name:{width}} {verdict.seconds:6.1f} s  {how}", flush=True)


def judge_all(mutants, options):
    shops = [Workshop(options.build / str(i)) for i in range(options.jobs)]
    free = queue.SimpleQueue()
    width = max(len(mutant.name) for mutant in mutants)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as workers:
        begin = time.monotonic()
        known = prepare_all(shops, options, workers)
        seconds = time.monotonic() - begin
        for shop in shops:
            shop.run_seconds_max = max(RUN_SECONDS_MAX, 4 * seconds)
            free.put(shop)

        def judge_one(mutant):
            shop = free.get()
            try:
                verdict = judge(mutant, shop, options, known)
            finally:
                free.put(shop)
            print_verdict(verdict, width)
            return verdict

        return list(workers.map(judge_one, mutants))


def main():
    parser = argparse.ArgumentParser(prog="./dev mutants", description="Judges the simulator's judge.")
    parser.add_argument("pattern", nargs="?", default="", help="only mutants whose names match")
    parser.add_argument("--seeds", type=int, default=3_000, help="within which one must kill (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time (%(default)s)")
    parser.add_argument("--told", action="store_true", help="no seeds: each scenario must fail with its mutant")
    parser.add_argument("--check", action="store_true", help="only whether all patches apply")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/mutants", help="where to work")
    options = parser.parse_args()
    if options.check:
        return check()
    mutants = [mutant for mutant in read_mutants(options.pattern) if mutant.told_as or not options.told]
    if not mutants:
        parser.error(f"no mutant is named like {options.pattern}")
    try:
        verdicts = judge_all(mutants, options)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    alive = [verdict for verdict in verdicts if verdict.error or not verdict.killed_by]
    print(f"{len(verdicts)} mutants, {len(verdicts) - len(alive)} killed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
