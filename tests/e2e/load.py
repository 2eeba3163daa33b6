# SPDX-License-Identifier: Apache-2.0
"""Devices that write without pause (load.cc), for tests that take something away: what they were promised is there."""
import os
import random
import signal

import harness


def seeded():
    """Chance from a seed that is printed; GRID_SEED in the environment sets it."""
    seed = int(os.environ.get("GRID_SEED", random.randrange(2**32)))
    print(f"GRID_SEED={seed}", flush=True)
    return random.Random(seed)


def durable(*loaders):
    """How many of their ops the gateway has acknowledged as durable, as far as the loaders have said."""
    said = (next((line for line in reversed(loader.lines) if line.startswith("durable ")), "durable 0")
            for loader in loaders)
    return sum(int(line.split()[1]) for line in said)


class LoadTest(harness.GridTest):
    def loader(self, name, url, *more, env=None):
        process = harness.Process([harness.program("grid_load"), self.path(name), url, name, *map(str, more)], env)
        self.addCleanup(lambda: process.child.poll() is None and process.stop(signal.SIGKILL))
        return process

    @staticmethod
    def wait_for_durable(count, *loaders):
        """Until they have been promised `count` more."""
        enough = durable(*loaders) + count
        harness.wait_until(lambda: durable(*loaders) >= enough, f"{count} durable acks")

    def stop_loader(self, loader):
        """Lets it end, and returns how many keys of its own it has written."""
        self.assertEqual(loader.stop(), 0, loader.errors)
        return int(loader.lines[-1].split()[1])

    def assert_holds(self, url, ledgers):
        """The gateway has the first so many keys of each name."""
        rows = self.gridctl("--target", url, "export", "load")
        keys = {line.split('"', 4)[3] for line in rows.splitlines()}
        for name, count in ledgers.items():
            lost = [key for key in range(count) if f"{name}/{key}" not in keys]
            self.assertEqual(lost, [], f"{name}: {len(lost)} of {count} rows that were acknowledged durable are gone")

    def assert_converged(self, url, names, *maps):
        """After a sync of each device, all hold the same."""
        for name in (*names, names[0]):
            self.gridctl("--store", self.path(name), "--target", url, "sync")
        for rows in maps or ("load",):
            exports = {self.gridctl("--store", self.path(name), "--offline", "export", rows) for name in names}
            exports.add(self.gridctl("--target", url, "export", rows))
            self.assertEqual(len(exports), 1, f"the replicas of {rows} differ")
