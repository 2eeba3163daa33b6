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
import tokens

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

    def slow(self, *apps, settings=""):
        """A configuration in which these apps have a database that says nothing; they are there already."""
        harness.program("gridd-postgres.so")
        url = f"postgres://127.0.0.1:{self.silent()}/x"
        for app in apps:
            (self.folder / "gateway/apps" / app).mkdir(parents=True)
            settings += f'[app.{app}.sink]\ntype = "postgres"\nurl = "{url}"\nconnect_timeout = "1m"\n'
        return ("--config", self.file("gridd.toml", settings))

    @staticmethod
    def upgrade(gateway, app):
        """A socket that is a link of this app."""
        host, port = gateway.listen().split(":")
        link = socket.create_connection((host, int(port)), timeout=harness.DEADLINE_SECONDS)
        link.sendall(f"GET /v1/{app} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += link.recv(1)
        return link, head

    def figure(self, gateway, name):
        told = self.ask(gateway, "/metrics")[1]
        return next(int(line.split()[1]) for line in told.splitlines() if line.startswith(name + " "))

    def test_a_database_that_says_nothing_holds_up_nobody_but_its_app(self):
        gateway = self.server(arguments=self.slow("slow"))
        self.assertEqual(self.ask(gateway, "/healthz")[0], 200)
        self.assertEqual(self.ask(gateway, "/readyz"), (503, "opening: slow\n"))
        put = ("--target", gateway.url, "put", "climate", "a", '{"temp":1}')
        harness.wait_until(lambda: self.run_gridctl(*put).code == 0, "another app takes a row")
        row = self.ask(gateway, "/v1/default/export/climate")
        self.assertEqual(row, (200, '{"key":"a","value":{"temp":1}}\n'))
        self.assertIn("grid_apps_opening 1\n", self.ask(gateway, "/metrics")[1])
        harness.wait_until(lambda: any("app is opening" in line for line in gateway.errors), "the log says so")
        self.assertEqual(self.ask(gateway, "/v1/slow/export/climate"), (503, '{"error":"app slow is being opened"}\n'))
        self.assertEqual(gateway.stop(), 0, gateway.errors)

    def test_apps_with_a_file_wait_for_no_server(self):
        (self.folder / "gateway/apps/kept").mkdir(parents=True)
        gateway = self.server(arguments=self.slow(*(f"slow{number}" for number in range(6))))
        self.assertEqual(self.figure(gateway, "grid_apps_opening"), 6)
        put = ("--target", gateway.url, "put", "climate", "a", '{"temp":1}')
        harness.wait_until(lambda: self.run_gridctl(*put).code == 0, "a new app takes a row")
        self.assertEqual(gateway.stop(), 0, gateway.errors)

    # BND-1
    def test_links_that_wait_for_an_app_are_told_to_come_again(self):
        gateway = self.server(arguments=self.slow("slow", settings='[limits]\nstall_timeout = "1s"\n'))
        waits, head = self.upgrade(gateway, "slow")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        gone, _ = self.upgrade(gateway, "slow")
        gone.close()
        with waits:
            self.assertEqual(waits.recv(4)[2:], (1013).to_bytes(2, "big"))
            self.assertIn(b"try again later", waits.recv(200))
        # This question has a socket too.
        harness.wait_until(lambda: self.figure(gateway, "grid_sockets") == 1, "nothing is left of those that have gone")
        self.assertEqual(gateway.stop(), 0, gateway.errors)

    def test_who_shows_no_proof_is_not_told_which_apps_are_opening(self):
        harness.program("gridd-postgres.so")
        (self.folder / "gateway/apps/slow").mkdir(parents=True)
        (self.folder / "keys").mkdir()
        key = tokens.Secret("k" * 40)
        (self.folder / "keys/k1.hs256").write_text(key.text, encoding="utf-8")
        (self.folder / "keys/k1.hs256").chmod(0o600)
        config = self.file("gridd.toml", f"""
[auth.jwt]
keys = "{self.folder / "keys"}"
[app.slow.sink]
type = "postgres"
url = "postgres://127.0.0.1:{self.silent()}/x"
connect_timeout = "1m"
""")
        gateway = harness.Process([harness.program("gridd"), "--config", config, "--data", self.path("gateway"),
                                   "--listen", "127.0.0.1:0"])
        self.addCleanup(lambda: gateway.child.poll() is None and gateway.stop(signal.SIGKILL))
        url = gateway.first_line().replace("ws://", "http://") + "/readyz"

        def told(token):
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
            with self.assertRaises(urllib.error.HTTPError) as answer:
                urllib.request.urlopen(request, timeout=harness.DEADLINE_SECONDS)
            with answer.exception as refused:
                return refused.code, refused.read().decode()

        self.assertEqual(told(None), (503, "opening: 1\n"))
        self.assertFalse([line for line in gateway.errors if "refused" in line])
        self.assertEqual(told(tokens.token(key, "k1", "anna")), (503, "opening: slow\n"))
        self.assertEqual(told(tokens.token(key, "k2", "anna")), (503, "opening: 1\n"))

    def use(self, gateway, stop, troubles):
        """Brings rows, reads them and asks for figures until it is told to stop."""
        row = b'{"key":"by-http","value":{"n":1}}\n' * 50
        while not stop.wait(0.01):
            for path, body in (("/v1/default/import/other", row), ("/v1/default/export/other", None),
                               ("/metrics", None)):
                answer = self.ask(gateway, path, body)
                troubles += [answer] if answer[0] != 200 else []

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
        for loader in loaders.values():
            self.stop_loader(loader)
        again = self.server()
        rows = self.ask(again, "/v1/default/export/load")[1]
        kept = {json.loads(line)["key"] for line in rows.splitlines()}
        for name, count in promised.items():
            lost = [key for key in range(count) if f"{name}/{key}" not in kept]
            self.assertEqual(lost, [], f"{name}: {len(lost)} of {count} rows that were acknowledged durable are gone")
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
