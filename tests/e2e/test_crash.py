# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the gateway under load, again and again: what was acknowledged durable is there, and nothing diverges."""
import os
import random
import signal

import harness

ROUNDS = int(os.environ.get("GRID_CRASH_ROUNDS", "50"))
LOOKS = 5  # Rounds between two looks at what the gateway holds while no device can help it.


class Crash(harness.GridTest):
    def loader(self, name, url):
        process = harness.Process([harness.program("grid_load"), self.path(name), url, name])
        self.addCleanup(lambda: process.child.poll() is None and process.stop(signal.SIGKILL))
        return process

    @staticmethod
    def durable(loader):
        """How many of its keys the gateway has acknowledged as durable, as far as the loader has said."""
        return max((int(line.split()[1]) for line in list(loader.lines) if line.startswith("durable ")), default=0)

    def assert_holds(self, url, ledgers):
        rows = self.gridctl("--target", url, "export", "load")
        keys = {line.split('"', 4)[3] for line in rows.splitlines()}
        for name, count in ledgers.items():
            lost = [key for key in range(count) if f"{name}/{key}" not in keys]
            self.assertEqual(lost, [], f"{name}: {len(lost)} of {count} rows that were acknowledged durable are gone")

    # ACK-1
    def test_no_op_acknowledged_durable_is_lost_by_kill_9_of_the_gateway(self):
        seed = int(os.environ.get("GRID_SEED", random.randrange(2**32)))
        print(f"GRID_SEED={seed}", flush=True)
        chance = random.Random(seed)
        gateway = self.server()
        listen = gateway.listen()
        loaders = {name: self.loader(name, gateway.url) for name in "ab"}
        for number in range(1, ROUNDS + 1):
            before = sum(map(self.durable, loaders.values()))
            enough = before + chance.randrange(200)
            harness.wait_until(lambda: sum(map(self.durable, loaders.values())) > enough, "durable acks")
            looks = number % LOOKS == 0
            for loader in loaders.values() if looks else ():
                loader.child.send_signal(signal.SIGSTOP)
            ledgers = {name: self.durable(loader) for name, loader in loaders.items()}
            gateway.stop(signal.SIGKILL)
            gateway = self.server(listen=listen)
            if looks:
                self.assert_holds(gateway.url, ledgers)
            for loader in loaders.values() if looks else ():
                loader.child.send_signal(signal.SIGCONT)
        for loader in loaders.values():
            self.assertEqual(loader.stop(), 0, loader.errors)
        written = {name: int(loader.lines[-1].split()[1]) for name, loader in loaders.items()}
        print(f"{ROUNDS} kills, {written} written, {ledgers} durable before the last one", flush=True)
        for name in ("a", "b", "a"):
            self.gridctl("--store", self.path(name), "--target", gateway.url, "sync")
        self.assert_holds(gateway.url, written)
        exports = {self.gridctl("--store", self.path(name), "--offline", "export", "load") for name in "ab"}
        exports.add(self.gridctl("--target", gateway.url, "export", "load"))
        self.assertEqual(len(exports), 1, "the replicas differ")


if __name__ == "__main__":
    harness.main()
