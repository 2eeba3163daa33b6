# SPDX-License-Identifier: Apache-2.0
"""gridd and gridctl by TLS: who is believed, certificates that change under open links, sockets that systemd passes."""
import json
import signal
import socket
import ssl
import subprocess
import sys

import harness
import secure


class Tls(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.authority = secure.Authority(self.folder)
        self.config = self.folder / "gridd.toml"

    def configure(self, identity, more=""):
        certificate, key = identity
        key.chmod(0o600)
        self.config.write_text(f"[tls]\ncertificate = '{certificate}'\nkey = '{key}'\n{more}")

    def secured(self, more=""):
        self.configure(self.authority.sign("localhost"), more)
        gateway = self.server(arguments=("--config", str(self.config)))
        self.assertTrue(gateway.url.startswith("wss://127.0.0.1:"), gateway.url)
        gateway.url = gateway.url.replace("127.0.0.1", "localhost")
        return gateway

    def trusting(self, gateway, *more):
        return ("--target", gateway.url, "--ca", self.authority.certificate, *more)

    def test_rows_go_by_tls_and_whom_nobody_vouches_for_is_refused(self):
        gateway = self.secured()
        self.gridctl(*self.trusting(gateway), "put", "climate", "s1", '{"temp": 21}')
        row = self.gridctl(*self.trusting(gateway), "-o", "json", "get", "climate", "s1")
        self.assertEqual(json.loads(row)["temp"], 21)
        self.gridctl(*self.trusting(gateway), "status", "--server")
        distrusting = self.run_gridctl("--target", gateway.url, "get", "climate", "s1")
        self.assertEqual(distrusting.code, 6, distrusting)
        self.assertIn("its certificate is refused: unable to get local issuer certificate", distrusting.err)
        plain = self.run_gridctl("--target", gateway.url.replace("wss", "ws"), "get", "climate", "s1")
        self.assertEqual(plain.code, 6, plain)
        missing = self.run_gridctl("--target", gateway.url, "--ca", "/nowhere.pem", "get", "climate", "s1")
        self.assertIn("the CA file /nowhere.pem can't be read: No such file or directory", missing.err)
        self.said(gateway, "speaks plain HTTP at a port of TLS")

    def said(self, gateway, words):
        harness.wait_until(lambda: any(words in line for line in gateway.errors), f"{words} in {gateway.errors}")

    def test_clients_show_certificates_where_they_have_to(self):
        gateway = self.secured(f"client_ca = '{self.authority.certificate}'\nclient_certificates = 'required'\n")
        certificate, key = self.authority.sign("device-7", usage="clientAuth")
        self.gridctl(*self.trusting(gateway, "--cert", certificate, "--key", key), "put", "climate", "s1", "{}")
        for arguments, words in (((), "certificate"),
                                 (("--cert", certificate), "a client certificate and its key go together")):
            refused = self.run_gridctl(*self.trusting(gateway, *arguments), "get", "climate", "s1")
            self.assertNotEqual(refused.code, 0)
            self.assertIn(words, refused.err)

    def shown(self, gateway):
        """The serial number of the certificate that a new connection meets."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        port = int(gateway.url.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as link:
            return link.getpeercert()["serialNumber"]

    def test_a_new_certificate_is_shown_after_sighup_and_open_links_stay(self):
        gateway = self.secured()
        watch = self.start(*self.trusting(gateway), "-o", "ndjson", "watch", "climate", "--for", "600s")
        self.gridctl(*self.trusting(gateway), "put", "climate", "s0", "{}")
        harness.wait_until(lambda: watch.lines, "the watch stands")
        before = self.shown(gateway)
        self.configure(self.authority.sign("localhost", dates=("20200101000000Z", "21000101000000Z")))
        gateway.child.send_signal(signal.SIGHUP)
        self.said(gateway, "configuration reloaded")
        self.assertNotEqual(self.shown(gateway), before)
        after = self.shown(gateway)
        (self.folder / "nothing.pem").write_text("")
        self.configure((self.folder / "nothing.pem", self.authority.folder / "authority.key"))
        gateway.child.send_signal(signal.SIGHUP)
        self.said(gateway, "configuration not reloaded")
        self.said(gateway, "holds no certificate in PEM")
        self.assertEqual(self.shown(gateway), after)
        self.gridctl(*self.trusting(gateway), "put", "climate", "s1", '{"temp": 21}')
        harness.wait_until(lambda: any('"s1"' in line for line in watch.lines), "the watch goes on")
        self.assertFalse(any("lost" in line or "closed" in line for line in watch.errors), watch.errors)

    def test_bad_files_end_the_start_with_a_sentence(self):
        certificate, key = self.authority.sign("localhost")
        _, other = self.authority.sign("other")
        ended, ended_key = self.authority.sign("localhost", dates=("20200101000000Z", "20200201000000Z"))
        for identity, words in (((certificate, other), "does not belong to the certificate"),
                                ((ended, ended_key), "has expired on 2020-02-01"),
                                ((certificate, key.with_name("nowhere")), "can't be read: No such file or directory")):
            self.config.write_text(f"[tls]\ncertificate = '{identity[0]}'\nkey = '{identity[1]}'\n")
            done = subprocess.run([harness.program("gridd"), "--dev", "--config", self.config, "--listen",
                                   "127.0.0.1:0", "--data", self.path("refused")],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(words, done.stderr)

    def test_doors_with_and_without_tls_beside_each_other(self):
        self.configure(self.authority.sign("localhost"))
        text = self.config.read_text()
        self.config.write_text("listen = ['ws://127.0.0.1:0', 'wss://127.0.0.1:0']\n" + text)
        gateway = harness.Process([harness.program("gridd"), "--dev", "--data", self.path("two"), "--config",
                                   str(self.config)])
        self.addCleanup(lambda: gateway.stop(signal.SIGKILL))
        harness.wait_until(lambda: len(gateway.lines) == 2, "two addresses")
        plain, tls = gateway.lines[0].strip(), gateway.lines[1].strip()
        self.assertTrue(plain.startswith("ws://") and tls.startswith("wss://"), gateway.lines)
        self.gridctl("--target", plain, "put", "climate", "s1", '{"temp": 21}')
        row = self.gridctl("--target", tls.replace("127.0.0.1", "localhost"), "--ca", self.authority.certificate,
                           "-o", "json", "get", "climate", "s1")
        self.assertEqual(json.loads(row)["temp"], 21)

    def test_sockets_that_systemd_passes_are_taken(self):
        script = self.file("pass.py", (
            "import os, socket, sys\n"
            "made = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]\n"
            "copies = [os.dup(one.fileno()) for one in made]\n"
            "high = [os.dup2(one, 100 + i) for i, one in enumerate(copies)]\n"
            "for i, one in enumerate(high): os.dup2(one, 3 + i, inheritable=True)\n"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2', LISTEN_FDNAMES='grid:plain')\n"
            "os.execv(sys.argv[1], sys.argv[1:])\n"))
        self.configure(self.authority.sign("localhost"))
        gateway = harness.Process([sys.executable, script, harness.program("gridd"), "--dev", "--data",
                                   self.path("passed"), "--config", str(self.config), "--listen", "127.0.0.1:1"])
        self.addCleanup(lambda: gateway.stop(signal.SIGKILL))
        harness.wait_until(lambda: len(gateway.lines) == 2, f"two addresses: {gateway.errors}")
        plain = gateway.lines[1].strip()
        self.assertTrue(gateway.lines[0].startswith("wss://127.0.0.1:") and plain.startswith("ws://127.0.0.1:"))
        self.gridctl("--target", plain, "put", "climate", "s1", "{}")

    def test_readiness_and_health_are_answered(self):
        gateway = self.server()
        address = gateway.listen().rsplit(":", 1)
        for path, answer in (("/healthz", (200, b"ok\n")), ("/readyz", (200, b"ready\n")), ("/x", (404, None))):
            status, body = ask(address, path)
            self.assertEqual((status, body if answer[1] else None), answer)


def ask(address, path):
    with socket.create_connection((address[0], int(address[1]))) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        whole = b""
        while piece := connection.recv(4096):
            whole += piece
    head, _, body = whole.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


if __name__ == "__main__":
    harness.main()
