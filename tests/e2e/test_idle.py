# SPDX-License-Identifier: Apache-2.0
"""What a link that does nothing takes of a gateway's memory, plain and by TLS, beside its budget."""
import os
import resource
import socket
import ssl
import unittest
import urllib.request

import harness
import secure

LINKS = 1000
PLAIN_BYTES_MAX = 6 * 1024
TLS_BYTES_MAX = 22 * 1024

UPGRADE = (b"GET /v1/default HTTP/1.1\r\nHost: grid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def resident(process):
    with open(f"/proc/{process.child.pid}/status", encoding="ascii") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class Idle(harness.GridTest):
    def setUp(self):
        super().setUp()
        if "asan" in os.environ["GRID_BIN"] or "tsan" in os.environ["GRID_BIN"]:
            raise unittest.SkipTest("a sanitizer takes memory of its own")
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))

    def opened(self, port, tls):
        peer = socket.create_connection(("127.0.0.1", port))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            peer = tls.wrap_socket(peer, server_hostname="localhost")
        self.addCleanup(peer.close)
        peer.sendall(UPGRADE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += peer.recv(1)
        self.assertTrue(head.startswith(b"HTTP/1.1 101"), head)

    def bytes_each(self, gateway, tls=None):
        port = int(gateway.url.rsplit(":", 1)[1])
        for _ in range(100):  # What the first ones need is there for all.
            self.opened(port, tls)
        url = f"{'https' if tls else 'http'}://localhost:{port}/metrics"
        links = b'grid_links{app="default"} 100\n'
        harness.wait_until(lambda: links in urllib.request.urlopen(url, context=tls).read(), "their app is open")
        before = resident(gateway)
        for _ in range(LINKS):
            self.opened(port, tls)
        each = (resident(gateway) - before) / LINKS
        print(f"{'TLS' if tls else 'plain'}: {each:.0f} bytes an idle link")
        return each

    def test_a_plain_link(self):
        self.assertLess(self.bytes_each(self.server()), PLAIN_BYTES_MAX)

    def test_a_link_by_tls(self):
        authority = secure.Authority(self.folder)
        certificate, key = authority.sign("localhost")
        config = self.file("gridd.toml", f"[tls]\ncertificate = '{certificate}'\nkey = '{key}'\n")
        tls = ssl.create_default_context(cafile=str(authority.certificate))
        self.assertLess(self.bytes_each(self.server(arguments=("--config", config, "--set", "apps.links=4096")), tls),
                        TLS_BYTES_MAX)


if __name__ == "__main__":
    harness.main()
