# SPDX-License-Identifier: Apache-2.0
"""The simulator as a program: one seed is one trace, whatever the compiler made of it; bad arguments run nothing."""
import os
import pathlib
import re
import subprocess
import unittest

BUILDS = pathlib.Path(os.environ["GRID_BUILDS"])
SEEDS = range(1, 13)


def trace(program, seed):
    done = subprocess.run([program, "--replay", str(seed)], check=True, text=True, stdout=subprocess.PIPE)
    return re.search(r"trace ([0-9a-f]{16})", done.stdout).group(1)


class Builds(unittest.TestCase):
    # SIM-1
    def test_the_same_seed_gives_the_same_trace_in_every_build(self):
        programs = [BUILDS / tree / "tests/grid_sim" for tree in ("release", "asan")]
        if not all(program.exists() for program in programs):
            self.skipTest(f"the simulator is not built in both {programs[0]} and {programs[1]}")
        for seed in SEEDS:
            traces = {str(program.relative_to(BUILDS)): trace(program, seed) for program in programs}
            self.assertEqual(len(set(traces.values())), 1, f"seed {seed}: {traces}")

    def test_arguments_that_name_no_seeds_are_refused(self):
        program = BUILDS / "release/tests/grid_sim"
        if not program.exists():
            self.skipTest(f"{program} is not built")
        for arguments in ("--seeds 9..1", "--seeds 1..", "--seeds x", "--for 0s", "--for 5y", "--seeds-file /nowhere"):
            done = subprocess.run([program, *arguments.split()], text=True, capture_output=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(arguments.split()[0], done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
