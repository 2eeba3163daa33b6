# SPDX-License-Identifier: Apache-2.0
"""Long runs: gridd is killed, and its database taken away, again and again under load, while a ledger outside of all of
them notes each op that was acknowledged, by the journal (FAST) and by the database (SAFE). In the end, and on the way,
the gateway and the database have what the ledger has, no device had to heal anything, and gridd's memory is flat.

The first half kills everybody. In the second one the same gridd lives on, so that its memory can be judged.
"""
import contextlib
import json
import os
import signal
import sqlite3
import statistics
import time

import harness
import load
import postgres

SECONDS = int(os.environ.get("GRID_SOAK_SECONDS", "8"))
KEYS = 20_000  # Of each device: as many ops as the time allows, in a journal that stays small.
FAST, SAFE = "fast", "safe"
DEVICES = {"a": FAST, "b": FAST, "c": SAFE, "d": SAFE}
LOOKS = 5  # Kills of gridd between two looks at what it holds while no device can help it.

# Flat: what gridd has of its own (RssAnon; pages of the journal's file are the system's) is in the last third of the
# second half at most this much above the first third, by their medians. Fewer samples say nothing.
SAMPLES_MIN = 30
GROWTH_RATIO_MAX = 1.10
GROWTH_BYTES_MAX = 1024 * 1024


def own_memory(process):
    with open(f"/proc/{process.child.pid}/status", encoding="ascii") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))


def due(ledger):
    """Of each key of a device the op that has to stand there, or a later one: of ops 0 to ledger - 1, its last."""
    return {key: key + (ledger - 1 - key) // KEYS * KEYS for key in range(min(ledger, KEYS))}


class Outages(load.LoadTest):
    """What is the same whatever the database is."""

    sink = ""

    def begin(self):
        self.chance = load.seeded()
        self.strikes = {}
        self.healed = self.while_away = 0
        self.gateway = self.started("127.0.0.1:0")
        self.devices = {name: self.loader(name, self.gateway.url, kind, KEYS) for name, kind in DEVICES.items()}

    def started(self, listen):
        config = self.file("gridd.toml", f'{self.sink}[map.{SAFE}]\ndurable = "database"\n')
        return self.server(listen=listen, arguments=["--config", config])

    def state(self):
        return json.loads(self.gridctl("--target", self.gateway.url, "status", "--server"))

    def of_kind(self, *kinds):
        return [self.devices[name] for name, kind in DEVICES.items() if kind in kinds]

    def ledger(self, *kinds):
        """Of each device of these kinds how many of its ops were acknowledged: they are, in order, from the first."""
        ledger = {name: load.durable(self.devices[name]) for name, kind in DEVICES.items() if kind in kinds}
        for device in self.devices.values():
            del device.lines[:-2]
        return ledger

    def assert_has(self, where, rows, ledger):
        for name, count in ledger.items():
            lost = [op for key, op in due(count).items() if rows.get(f"{name}/{key}", -1) < op]
            self.assertEqual(lost, [], f"{len(lost)} of {count} acknowledged ops of {name} are not in {where}")

    def assert_gateway_has(self, ledger):
        for kind in (FAST, SAFE):
            lines = self.gridctl("--target", self.gateway.url, "export", kind).splitlines()
            rows = {row["key"]: row["value"].get("n", -1) for row in map(json.loads, lines)}
            self.assert_has("the gateway", rows, {name: n for name, n in ledger.items() if DEVICES[name] == kind})

    def assert_database_has(self, ledger):
        for kind in (FAST, SAFE):
            self.assert_has("the database", self.rows(kind), {n: at for n, at in ledger.items() if DEVICES[n] == kind})

    def kill_gateway(self):
        """Every LOOKS-th time the ledger is held against what comes back, while no device can help it."""
        self.healed += self.state()["cells_healed"]
        looks = self.strikes.get("kill gridd", 0) % LOOKS == 0
        for device in self.devices.values() if looks else ():
            device.child.send_signal(signal.SIGSTOP)
        ledger = self.ledger(FAST, SAFE)
        self.gateway.stop(signal.SIGKILL)
        self.give_back()
        self.gateway = self.started(self.gateway.listen())
        if looks:
            self.assert_gateway_has(ledger)
        for device in self.devices.values() if looks else ():
            device.child.send_signal(signal.SIGCONT)

    def strike(self, kind):
        self.wait_for_durable(1 + self.chance.randrange(5_000), *self.devices.values())
        self.strikes[kind] = self.strikes.get(kind, 0) + 1
        safe = self.ledger(SAFE)
        self.take_away(kind)
        if kind.startswith("kill gridd"):
            self.kill_gateway()
        self.give_back()
        self.assert_database_has(safe)

    def fast_goes_on(self):
        """While the database is away the journal's acks go on."""
        before = sum(self.ledger(FAST).values())
        self.wait_for_durable(1 + self.chance.randrange(2_000), *self.of_kind(FAST))
        self.while_away += sum(self.ledger(FAST).values()) - before

    def run_outages(self, *kinds):
        self.begin()
        begun, samples, peak = time.monotonic(), [], 0
        while (passed := time.monotonic() - begun) < SECONDS:
            survives = [kind for kind in kinds if "gridd" not in kind]
            self.strike(self.chance.choice(kinds if passed < SECONDS / 2 else survives))
            peak = max(peak, own_memory(self.gateway))
            if passed >= SECONDS / 2:
                samples.append(own_memory(self.gateway))
        ledger = {name: self.stop_loader(device) for name, device in self.devices.items()}
        self.assert_converged(self.gateway.url, "".join(DEVICES), FAST, SAFE)
        self.assert_gateway_has(ledger)
        harness.wait_until(lambda: (lambda now: now["drained"] == now["head"])(self.state()), "the database has all")
        self.assert_database_has(ledger)
        self.healed += self.state()["cells_healed"]
        third = max(1, len(samples) // 3)
        early, late = (statistics.median(part) for part in (samples[:third], samples[-third:]))
        print(f"{SECONDS} s: {self.strikes}; {ledger} ops acknowledged, {self.while_away} of them by the journal while "
              f"the database was away; 0 lost, {self.healed} healed; gridd's own memory {early / 1024:.0f} KiB, then "
              f"{late / 1024:.0f} KiB ({len(samples)} samples), {peak / 1024:.0f} KiB at most", flush=True)
        self.assertEqual(self.healed, 0, "a device gave back what the gateway had lost")
        if len(samples) >= SAMPLES_MIN:
            self.assertLess(late, early * GROWTH_RATIO_MAX + GROWTH_BYTES_MAX)


class Postgres(Outages, postgres.PostgresTest):
    # ACK-1, ACK-2, SNK-1, SNK-2
    def test_no_acknowledged_op_is_lost_while_gridd_and_postgres_are_killed(self):
        self.sink = f'[apps.sink]\ntype = "postgres"\nurl = "{self.postgres.url}"\n'
        self.run_outages("kill gridd", "kill gridd and postgres", "kill postgres", "restart postgres", "end sessions")

    def rows(self, kind):
        lines = self.postgres.query(f"select key, value->>'n' from grid_default.live where map = '{kind}'").splitlines()
        return {key: int(op or -1) for key, op in (line.split("|") for line in lines)}

    def take_away(self, kind):
        if kind == "end sessions":
            self.postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name like "
                                "'gridd %'")
        if kind == "restart postgres":
            self.postgres.stop()
        elif "postgres" in kind:
            self.postgres.kill()
        if self.postgres.child is None and "gridd" not in kind:
            self.fast_goes_on()

    def give_back(self):
        if self.postgres.child is None:
            self.postgres.start()


class Sqlite(Outages):
    # ACK-1, ACK-2
    def test_no_acknowledged_op_is_lost_while_gridd_is_killed(self):
        self.run_outages("kill gridd", "go on")

    def rows(self, kind):
        file = f"file:{self.path('gateway')}/apps/default/cells.sqlite?mode=ro"
        with contextlib.closing(sqlite3.connect(file, uri=True)) as database:
            rows = database.execute("select key, json from cell where map = ? and tombstone = 0", (kind,)).fetchall()
        return {key: json.loads(value).get("n", -1) for key, value in rows}

    def take_away(self, kind):
        """It is a file."""

    def give_back(self):
        """It is there."""


if __name__ == "__main__":
    harness.main()
