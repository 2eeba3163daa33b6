# SPDX-License-Identifier: Apache-2.0
"""Apps on engines of their own: nobody waits for another's database, and nothing is lost between threads."""
import json
import signal
import socket
import threading
import urllib.error
import urllib.request

import harness
import load

LOADERS = ("a", "b", "c")
ROUNDS = 6
DURABLE_A_ROUND = 60


class Engines(load.LoadTest):
    def ask(self, gateway, path, body=None):
        url = gateway.url.replace("ws://", "http://") + path
        try:
            with urllib.request.urlopen(url, data=body, timeout=harness.DEADLINE_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def silent(self):
        """The port of a database that takes connections, and says nothing."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        return listener.getsockname()[1]

    def test_a_database_that_says_nothing_holds_up_nobody_but_its_app(self):
        harness.program("gridd-postgres.so")
        (self.folder / "gateway/apps/slow").mkdir(parents=True)
        config = self.file("gridd.toml", f"""
[app.slow.sink]
type = "postgres"
url = "postgres://127.0.0.1:{self.silent()}/x"
connect_timeout = "1m"
""")
        gateway = self.server(arguments=("--config", config))
        self.assertEqual(self.ask(gateway, "/healthz")[0], 200)
        self.assertEqual(self.ask(gateway, "/readyz"), (503, "opening: slow\n"))
        self.gridctl("--target", gateway.url, "put", "climate", "a", '{"temp":1}')
        self.assertEqual(self.gridctl("--target", gateway.url, "get", "climate", "a").strip(), '{"temp":1}')
        self.assertIn("grid_apps_opening 1\n", self.ask(gateway, "/metrics")[1])
        harness.wait_until(lambda: any("app is opening" in line for line in gateway.errors), "the log says so")
        self.assertEqual(gateway.stop(), 0, gateway.errors)

    def use(self, gateway, stop, troubles):
        """Brings rows, reads them and asks for figures until it is told to stop."""
        row = b'{"key":"by-http","value":{"n":1}}\n' * 50
        while not stop.wait(0.01):
            answers = [self.ask(gateway, "/v1/default/import/load", row), self.ask(gateway, "/v1/default/export/load"),
                       self.ask(gateway, "/metrics")]
            troubles += [answer for answer in answers if answer[0] != 200]

    # ACK-1, BND-1
    def test_links_that_drop_and_rules_that_change_under_load_cost_nothing(self):
        gateway = self.server()
        loaders = {name: self.loader(name, gateway.url) for name in LOADERS}
        self.wait_for_durable(1, *loaders.values())
        stop, troubles = threading.Event(), []
        user = threading.Thread(target=self.use, args=(gateway, stop, troubles))
        user.start()
        try:
            for number in range(ROUNDS):
                self.wait_for_durable(DURABLE_A_ROUND, *loaders.values())
                gateway.child.send_signal(signal.SIGHUP)
                if number % 2 == 0:
                    continue
                gone = next(iter(loaders))
                loaders.pop(gone).stop(signal.SIGKILL)
                loaders[f"{gone}{number}"] = self.loader(f"{gone}{number}", gateway.url)
        finally:
            stop.set()
            user.join()
        self.assertEqual(troubles, [])
        promised = {name: load.durable(loader) for name, loader in loaders.items()}
        self.assertEqual(gateway.stop(), 0, gateway.errors)
        again = self.server(listen=gateway.listen())
        self.assert_holds(again.url, promised)
        for loader in loaders.values():
            self.stop_loader(loader)
        self.assertEqual(again.stop(), 0, again.errors)

    def test_what_waits_between_threads_can_be_seen(self):
        gateway = self.server()
        self.gridctl("--target", gateway.url, "put", "climate", "a", json.dumps({"temp": 1}))
        told = self.ask(gateway, "/metrics")[1]
        self.assertIn('grid_engine_inbox_letters{engine="1"} ', told)
        waits = [line for line in told.splitlines() if line.startswith("grid_engine_inbox_wait_seconds_count")]
        self.assertGreater(sum(int(line.split()[1]) for line in waits), 0)


if __name__ == "__main__":
    harness.main()
