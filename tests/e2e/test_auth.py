# SPDX-License-Identifier: Apache-2.0
"""Who may come to a gateway: tokens, enrolments, and what becomes of links whose token ends."""
import http.client
import os
import pathlib
import re
import secrets
import signal
import socket
import ssl
import subprocess
import threading
import time

import harness
import secure
import tokens
from harness import wait_until

EXPORTED_ROWS = 800  # Of 30 kB: more than sockets hold.


class Gateway(harness.Process):
    """A gridd that wants to know who comes."""

    def __init__(self, config, data, env=None):
        super().__init__([harness.program("gridd"), "--config", config, "--data", data, "--listen", "127.0.0.1:0"], env)
        self.url = self.first_line()


class AuthTest(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.keys = self.folder / "keys"
        self.keys.mkdir()
        self.data = self.path("data")
        pathlib.Path(self.data).mkdir()
        self.key = tokens.Secret(secrets.token_hex(32))
        self.give_key("k1", self.key)
        self.config = self.file("gridd.toml", f"""
[auth]
device_tokens = true
default_roles = ["all"]
[auth.jwt]
keys = "{self.keys}"
leeway = "0s"
[limits]
failures_burst = 1000
[role.all]
grants = [{{ map = "*", actions = ["read", "put", "remove"] }}, {{ actions = ["inspect"] }}]
[role.sensor]
grants = []
[role.reader]
grants = []
""")

    def give_key(self, kid, key):
        fresh = self.keys / f".{kid}"
        fresh.write_text(key.text + "\n", encoding="utf-8")
        fresh.chmod(0o600)
        fresh.rename(self.keys / f"{kid}.{key.suffix}")

    def gateway(self, env=None):
        gateway = Gateway(self.config, self.data, env)
        self.addCleanup(lambda: gateway.child.poll() is None and gateway.stop(signal.SIGKILL))
        return gateway

    def jwt(self, sub="anna", lasts=600, **claims):
        return tokens.token(self.key, "k1", sub, lasts, **claims)

    def enroll(self, name, *options):
        return self.gridctl("server", "--data", self.data, "enroll", name, *options).strip()

    def put(self, gateway, token, code=0):
        env = {"GRID_TOKEN": token} if token is not None else {}
        return self.gridctl_fails(code, "--target", gateway.url, "put", "climate", "bench/3", "1", env=env)

    def enrolled(self, name):
        lines = self.gridctl("server", "--data", self.data, "tokens", "-o", "json")
        return next(one for one in harness.json.loads(lines) if one["name"] == name)

    def watch(self, gateway, *how, env=None):
        """A watch that keeps nothing here, once its link is up."""
        watch = self.start("--target", gateway.url, *how, "watch", "climate", env=env)
        wait_until(lambda: watch.lines or watch.child.poll() is not None, "a row")
        return watch


class Starting(AuthTest):
    def test_a_gateway_that_could_let_nobody_in_does_not_start(self):
        for text, sentence in (("", "no way for devices to say who they are"),
                               (f'[auth.jwt]\nkeys = "{self.path("nowhere")}"\n', "can't be read"),
                               ('[auth.certificate]\nsubjects = ["CN=a"]\n', "SUBJECT -> NAME"),
                               ('[auth]\ndevice_tokens = true\ndefault_roles = ["a b"]\n', "role")):
            config = self.file("other.toml", text)
            done = subprocess.run([harness.program("gridd"), "--config", config, "--data", self.data], check=False,
                                  capture_output=True, timeout=harness.DEADLINE_SECONDS)
            self.assertEqual(done.returncode, 2, text)
            self.assertIn(sentence, done.stderr.decode())
            self.assertEqual(done.stdout, b"")

    def test_a_secret_that_everybody_may_read_is_refused(self):
        (self.keys / "k1.hs256").chmod(0o644)
        done = subprocess.run([harness.program("gridd"), "--config", self.config, "--check-config"], check=False,
                              capture_output=True, timeout=harness.DEADLINE_SECONDS)
        self.assertEqual(done.returncode, 2)
        self.assertIn("everybody on this machine may read", done.stderr.decode())
        self.assertNotIn(self.key.text, done.stderr.decode())


class Tokens(AuthTest):
    def test_a_token_that_holds_lets_in_and_no_other(self):
        gateway = self.gateway()
        self.put(gateway, self.jwt())
        self.assertIn("there is no token (401)", self.put(gateway, None, 5).err)
        stranger = tokens.Secret(secrets.token_hex(32))
        expired = self.jwt(lasts=-10)
        for bad in ("x", expired, tokens.token(stranger, "k1", "anna"), tokens.token(self.key, "k2", "anna"),
                    "grid_" + "A" * 43, self.jwt()[:-2]):
            self.assertIn("does not accept the token (401)", self.put(gateway, bad, 5).err)
        self.assertEqual(self.gridctl_fails(5, "--target", gateway.url, "subs", env={"GRID_TOKEN": expired}).code, 5)
        self.assertEqual(self.gridctl_fails(5, "--target", gateway.url, "--store", self.path("s"), "sync",
                                            env={"GRID_TOKEN": expired}).code, 5)

    def test_what_is_written_while_refused_is_kept(self):
        gateway = self.gateway()
        store = ("--target", gateway.url, "--store", self.path("store"))
        kept = self.run_gridctl(*store, "put", "climate", "bench/3", "1")
        self.assertEqual(kept.code, 0, str(kept))
        self.assertIn("kept, not sent", kept.err)
        self.gridctl(*store, "sync", env={"GRID_TOKEN": self.jwt()})
        self.assertEqual(self.gridctl("--target", gateway.url, "get", "climate", "bench/3",
                                      env={"GRID_TOKEN": self.jwt()}), "1\n")

    def test_no_token_that_ends_is_taken_while_the_time_is_unknown(self):
        gateway = self.gateway({"GRID_WALL_OFFSET_MS": "unknown"})
        self.assertIn("503", self.put(gateway, self.jwt(), 6).err)
        self.put(gateway, self.enroll("bench-3"))

    def test_a_link_ends_with_its_token(self):
        gateway = self.gateway()
        self.put(gateway, self.jwt())
        watch = self.watch(gateway, env={"GRID_TOKEN": self.jwt(lasts=4)})
        self.assertEqual(watch.ended(), 5, watch.errors)

    def test_a_newer_token_is_shown_without_dropping_the_link(self):
        gateway = self.gateway()
        self.put(gateway, self.jwt())
        short = self.jwt(lasts=6)
        file = self.file("token", short)
        watch = self.watch(gateway, "--token-file", file)
        links = self.links_of(watch)
        self.assertEqual(len(links), 1)
        self.file("token", self.jwt(lasts=600))
        ends_at = time.time() + 7
        wait_until(lambda: time.time() > ends_at, "the first token's end")
        self.gridctl("--target", gateway.url, "put", "climate", "bench/4", "2", env={"GRID_TOKEN": self.jwt()})
        wait_until(lambda: len(watch.lines) == 2 or watch.child.poll() is not None, "a row over the same link")
        self.assertIsNone(watch.child.poll(), watch.errors)
        self.assertEqual(self.links_of(watch), links)

    @staticmethod
    def links_of(process):
        """Its connections, as the kernel numbers them."""
        found = set()
        for entry in pathlib.Path(f"/proc/{process.child.pid}/fd").iterdir():
            socket = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
            if socket:
                found.add(socket.group(1))
        table = pathlib.Path(f"/proc/{process.child.pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        return {line.split()[9] for line in table if line.split()[3] == "01"} & found

    def test_keys_are_rotated_under_load(self):
        gateway = self.gateway()
        lost, done = [], threading.Event()
        second = tokens.Rsa(self.folder, "second")
        current = [lambda: self.jwt()]
        count = [0]

        def write():
            while not done.is_set():
                outcome = self.run_gridctl("--target", gateway.url, "put", "load", str(count[0]), "1",
                                           env={"GRID_TOKEN": current[0]()})
                if outcome.code != 0:
                    lost.append(str(outcome))
                count[0] += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            wait_until(lambda: count[0] > 3, "writes with the first key")
            self.give_key("k2", second)  # Nobody tells the gateway: the first token of it does.
            current[0] = lambda: tokens.token(second, "k2", "anna")
            before = count[0]
            wait_until(lambda: count[0] > before + 3, "writes with the second key")
            (self.keys / "k1.hs256").unlink()
            gateway.child.send_signal(signal.SIGHUP)
            wait_until(lambda: any("configuration reloaded" in line for line in gateway.errors), "the reload")
            before = count[0]
            wait_until(lambda: count[0] > before + 3, "writes after the first key is gone")
        finally:
            done.set()
            writer.join()
        self.assertEqual(lost, [])
        self.put(gateway, self.jwt(), 5)


    def test_a_key_that_is_taken_away_ends_the_sessions_that_came_by_it(self):
        gateway = self.gateway()
        second = tokens.Rsa(self.folder, "second")
        self.give_key("k2", second)
        self.put(gateway, self.jwt())
        first = self.watch(gateway, env={"GRID_TOKEN": self.jwt()})
        other = self.watch(gateway, env={"GRID_TOKEN": tokens.token(second, "k2", "anna")})
        (self.keys / "k1.hs256").unlink()
        gateway.child.send_signal(signal.SIGHUP)
        self.assertEqual(first.ended(), 5, first.errors)
        self.put(gateway, tokens.token(second, "k2", "anna"))
        self.assertIsNone(other.child.poll(), other.errors)
        self.assertFalse([line for line in gateway.errors if "who may come in has changed" in line][1:])

    def test_a_key_that_is_taken_away_ends_an_export_that_came_by_it_without_a_link(self):
        gateway = self.gateway()
        second = tokens.Rsa(self.folder, "second")
        self.give_key("k2", second)
        stays = tokens.token(second, "k2", "anna")
        self.put(gateway, stays)
        row = '{"key":"%d","value":"' + "x" * 30_000 + '"}\n'
        for first in range(0, EXPORTED_ROWS, 100):
            rows = "".join(row % n for n in range(first, first + 100))
            self.http(gateway, "POST", "/v1/default/import/load", stays, rows)
        exports = [self.http(gateway, "GET", "/v1/default/export/load", token) for token in (self.jwt(), stays)]
        for export in exports:
            export.read(1)  # They are under way, and far from their end.
        (self.keys / "k1.hs256").unlink()
        gateway.child.send_signal(signal.SIGHUP)
        wait_until(lambda: any("configuration reloaded" in line for line in gateway.errors), "the reload")
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            exports[0].read()
        self.assertEqual(exports[1].read().count(b"\n"), EXPORTED_ROWS)

    def http(self, gateway, method, path, token, body=None):
        connection = http.client.HTTPConnection(gateway.url.removeprefix("ws://"), timeout=harness.DEADLINE_SECONDS)
        self.addCleanup(connection.close)
        connection.request(method, path, body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        self.addCleanup(answer.close)
        self.assertEqual(answer.status, 200)
        return answer

    def test_a_reload_that_is_refused_ends_nobody(self):
        gateway = self.gateway()
        self.put(gateway, self.jwt())
        watch = self.watch(gateway, env={"GRID_TOKEN": self.jwt()})
        (self.keys / "k1.hs256").unlink()
        gateway.child.send_signal(signal.SIGHUP)
        wait_until(lambda: any("all stays as it was" in line for line in gateway.errors), "the refusal")
        self.put(gateway, self.enroll("pump"))
        self.assertIsNone(watch.child.poll(), watch.errors)


class Devices(AuthTest):
    def test_a_device_is_enrolled_used_seen_and_revoked(self):
        gateway = self.gateway()
        token = self.enroll("bench-3", "--role", "sensor", "--role", "reader", "--expires", "90d")
        self.assertRegex(token, r"\Agrid_[A-Za-z0-9_-]{43}\Z")
        before = self.enrolled("bench-3")
        self.assertEqual(before["roles"], ["sensor", "reader"])
        self.assertIsNone(before["seen"])
        self.put(gateway, token)
        self.assertIsNotNone(self.enrolled("bench-3")["seen"])
        watch = self.watch(gateway, env={"GRID_TOKEN": token})
        self.gridctl("server", "--data", self.data, "revoke", "bench-3")
        self.assertEqual(watch.ended(), 5, watch.errors)
        self.put(gateway, token, 5)
        self.assertIsNotNone(self.enrolled("bench-3")["revoked"])
        self.assertEqual(gateway.stop(signal.SIGKILL), -9)
        gateway = self.gateway()
        self.put(gateway, token, 5)
        self.gridctl_fails(4, "server", "--data", self.data, "enroll", "bench-3", "--renew")
        self.gridctl("server", "--data", self.data, "forget", "bench-3")
        self.put(gateway, self.enroll("bench-3"))

    def test_a_renewed_token_ends_the_links_of_the_one_before(self):
        gateway = self.gateway()
        first = self.enroll("pump")
        self.put(gateway, first)
        watch = self.watch(gateway, env={"GRID_TOKEN": first})
        self.gridctl_fails(4, "server", "--data", self.data, "enroll", "pump")
        second = self.enroll("pump", "--renew")
        self.assertEqual(watch.ended(), 5, watch.errors)
        self.put(gateway, first, 5)
        self.put(gateway, second)

    def test_a_device_can_be_enrolled_while_no_gateway_runs(self):
        token = self.enroll("pump")
        gateway = self.gateway()
        self.put(gateway, token)
        self.assertEqual(gateway.stop(), 0)
        seen = self.enrolled("pump")["seen"]
        self.assertIsNotNone(seen)
        self.gridctl("server", "--data", self.data, "revoke", "pump")
        self.put(self.gateway(), token, 5)

    def test_the_name_of_a_device_is_nobody_elses(self):
        gateway = self.gateway()
        self.enroll("anna")
        self.put(gateway, self.jwt(), 5)
        self.put(gateway, self.jwt("berta"))

    def test_the_admin_socket_is_its_owners_alone(self):
        self.gateway()
        socket = pathlib.Path(self.data) / "gridd.sock"
        self.assertEqual(socket.stat().st_mode & 0o777, 0o600)
        self.assertEqual((pathlib.Path(self.data) / "device-tokens.ndjson").exists(), False)
        self.enroll("pump")
        self.assertEqual((pathlib.Path(self.data) / "device-tokens.ndjson").stat().st_mode & 0o777, 0o600)
        self.gridctl_fails(3, "server", "--data", self.data, "revoke", "nobody")
        self.gridctl_fails(2, "server", "--data", self.data, "enroll", " blank")
        self.gridctl_fails(3, "server", "--data", self.path("nowhere"), "tokens")


class Certificates(AuthTest):
    def test_a_client_is_who_its_certificate_names(self):
        authority, strangers = secure.Authority(self.folder), secure.Authority(self.folder, "strangers")
        certificate, key = authority.sign()
        self.config = self.file("tls.toml", f"""
[auth.certificate]
subjects = ["*.devices.farm -> device-* : sensor"]
[tls]
certificate = "{certificate}"
key = "{key}"
client_ca = "{authority.certificate}"
client_certificates = "optional"
[role.sensor]
grants = [{{ map = "*", actions = ["read"] }}]
""")
        gateway = self.gateway()
        self.assertTrue(gateway.url.startswith("wss://"))

        def knock(shown):
            context = ssl.create_default_context(cafile=authority.certificate)
            if shown:
                context.load_cert_chain(*shown)
            host, port = gateway.url.split("//")[1].split(":")
            with context.wrap_socket(socket.create_connection((host, int(port)), harness.DEADLINE_SECONDS),
                                     server_hostname=secure.NAME) as link:
                link.sendall(b"GET /v1/farm HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                return int(link.recv(4096).split()[1])

        def client(signer, name):
            usage = f"subjectAltName=DNS:{name}\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n"
            return signer._sign(f"{signer.name}-{name}", name, usage, None)

        self.assertEqual(knock(client(authority, "pump.devices.farm")), 101)
        self.assertEqual(knock(None), 401)
        self.assertEqual(knock(client(authority, "pump.elsewhere.farm")), 401)
        with self.assertRaises((ssl.SSLError, ConnectionError, IndexError)):
            knock(client(strangers, "pump.devices.farm"))


class Secrets(AuthTest):
    def test_no_token_comes_into_a_log_or_onto_a_disk(self):
        gateway = self.gateway()
        good, device = self.jwt(), self.enroll("pump")
        stranger = tokens.Secret(secrets.token_hex(32))
        hostile = [tokens.token(stranger, "k1", "anna"), tokens.token(stranger, "k9", "anna"), self.jwt(lasts=-5),
                   self.jwt(aud="elsewhere"), tokens.token(stranger, "k" * 100, "anna"), "grid_" + "B" * 43,
                   tokens.unsigned({"alg": "none"}, {"sub": "anna"}) + ".", self.jwt("x" * 300), "y" * 200]
        for token in (good, device):
            self.put(gateway, token)
        said = [self.put(gateway, token, 5).err for token in hostile * 2]
        self.gridctl("server", "--data", self.data, "revoke", "pump")
        said.append(self.put(gateway, device, 5).err)
        gateway.stop()
        refusals = [line for line in gateway.errors if "refused" in line]
        self.assertTrue(8 <= len(refusals) <= 14, gateway.errors)
        everything = "\n".join(gateway.errors + gateway.lines + said)
        for path in pathlib.Path(self.data).rglob("*"):
            if path.is_file():
                everything += path.read_bytes().decode("latin-1")
        for token in [good, device, self.key.text, *hostile]:
            for part in re.split(r"\.|grid_", token):
                if len(part) >= 24:
                    self.assertNotIn(part[:24], everything)


if __name__ == "__main__":
    harness.main()
