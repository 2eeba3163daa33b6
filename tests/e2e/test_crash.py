# SPDX-License-Identifier: Apache-2.0
"""kill -9, and SIGSTOP, of the gateway and of devices under load, again and again: what was acknowledged durable is
there, and nothing diverges."""
import os
import signal

import harness
import load

ROUNDS = int(os.environ.get("GRID_CRASH_ROUNDS", "50"))
LOOKS = 5  # Rounds between two looks at what the gateway holds while no device can help it.


class Crash(load.LoadTest):
    # ACK-1
    def test_no_op_acknowledged_durable_is_lost_by_kill_9_of_the_gateway(self):
        chance = load.seeded()
        gateway = self.server()
        listen = gateway.listen()
        loaders = {name: self.loader(name, gateway.url) for name in "ab"}
        for number in range(1, ROUNDS + 1):
            self.wait_for_durable(1 + chance.randrange(200), *loaders.values())
            looks = number % LOOKS == 0
            for loader in loaders.values() if looks else ():
                loader.child.send_signal(signal.SIGSTOP)
            ledgers = {name: load.durable(loader) for name, loader in loaders.items()}
            gateway.stop(signal.SIGKILL)
            gateway = self.server(listen=listen)
            if looks:
                self.assert_holds(gateway.url, ledgers)
            for loader in loaders.values() if looks else ():
                loader.child.send_signal(signal.SIGCONT)
        written = {name: self.stop_loader(loader) for name, loader in loaders.items()}
        print(f"{ROUNDS} kills, {written} written, {ledgers} durable before the last one", flush=True)
        self.assert_converged(gateway.url, "ab")
        self.assert_holds(gateway.url, written)


class Everybody(load.LoadTest):
    """Whoever the dice fall on is killed, or stands still for a while and goes on as if nothing had been."""

    def setUp(self):
        super().setUp()
        self.chance = load.seeded()
        self.gateway = self.server()
        self.listen = self.gateway.listen()
        self.loaders = {name: self.loader(name, self.gateway.url) for name in "ab"}
        self.promised = dict.fromkeys("ab", 0)  # By loaders that are no more, too.
        self.stopped = set()

    def note_promises(self):
        for name, loader in self.loaders.items():
            self.promised[name] = max(self.promised[name], load.durable(loader))

    def kill_gateway(self):
        self.go_on("gateway")
        self.gateway.stop(signal.SIGKILL)
        self.gateway = self.server(listen=self.listen)

    def kill_device(self, name):
        self.go_on(name)
        self.loaders[name].stop(signal.SIGKILL)
        self.note_promises()
        self.loaders[name] = self.loader(name, self.gateway.url)

    def child(self, who):
        return (self.gateway if who == "gateway" else self.loaders[who]).child

    def stand_still(self, who):
        self.child(who).send_signal(signal.SIGSTOP)
        self.stopped.add(who)

    def go_on(self, who):
        if who in self.stopped:
            self.child(who).send_signal(signal.SIGCONT)
            self.stopped.remove(who)

    def strike(self):
        """Does something to somebody, and says what."""
        who = self.chance.choice(("gateway", "a", "b"))
        if who in self.stopped and self.chance.randrange(2):
            self.go_on(who)
            return f"SIGCONT {who}"
        if self.chance.randrange(2):
            self.stand_still(who)
            return f"SIGSTOP {who}"
        if who == "gateway":
            self.kill_gateway()
        else:
            self.kill_device(who)
        return f"SIGKILL {who}"

    def let_work(self):
        """A while of load for those who can."""
        if self.chance.randrange(3):
            self.go_on("gateway")
        running = [self.loaders[name] for name in "ab" if name not in self.stopped]
        if "gateway" not in self.stopped and running:
            self.wait_for_durable(1 + self.chance.randrange(100), *running)
        self.note_promises()

    # ACK-1
    def test_no_op_acknowledged_durable_is_lost_whoever_is_killed_or_stands_still(self):
        strikes = []
        for _ in range(ROUNDS // 2):
            self.let_work()
            strikes.append(self.strike())
        for who in tuple(self.stopped):
            self.go_on(who)
        print(", ".join(strikes), flush=True)
        for loader in self.loaders.values():
            self.wait_for_durable(1, loader)
        for loader in self.loaders.values():
            self.stop_loader(loader)
        self.note_promises()
        self.assert_holds(self.gateway.url, self.promised)
        self.assert_converged(self.gateway.url, "ab")
        self.assert_holds(self.gateway.url, self.promised)


if __name__ == "__main__":
    harness.main()
