# SPDX-License-Identifier: Apache-2.0
"""Peers that mean no good, at a real gridd: mutated HTTP, WebSocket and TLS from a seed, while a device goes on."""
import os
import random
import socket
import ssl
import struct

import harness
import secure

SEED = int(os.environ.get("GRID_HOSTILE_SEED", "7271"))
ROUNDS = int(os.environ.get("GRID_HOSTILE_ROUNDS", "400"))

UPGRADE = (b"GET /v1/default HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
REQUESTS = (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST /readyz?a=%41&b=%zz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
            b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            b"HEAD / HTTP/1.0\r\nAuthorization: Bearer " + b"a" * 3000 + b"\r\n\r\n",
            b"CONNECT grid:80 HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", UPGRADE)


def frame(chance, payload):
    """A WebSocket frame as a client sends it: opcodes, bits and lengths that are wrong now and then."""
    first = chance.choice((0x82, 0x82, 0x82, 0x02, 0x00, 0x80, 0x81, 0x88, 0x89, 0x8A, 0xC2, 0x8F))
    size = len(payload) if chance.random() < 0.8 else chance.choice((0, 125, 126, 65536, 2 ** 31, 2 ** 63, 2 ** 64 - 1))
    masked = 0x80 if chance.random() < 0.95 else 0
    if size < 126:
        head = struct.pack(">BB", first, masked | size)
    elif size < 65536:
        head = struct.pack(">BBH", first, masked | 126, size)
    else:
        head = struct.pack(">BBQ", first, masked | 127, size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def mutated(chance, data):
    data = bytearray(data)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
        elif kind == 2:
            del data[at:at + chance.randrange(1, 40)]
        else:
            data[at:at] = data[:at][-chance.randrange(1, 400):]
    return bytes(data)


class Hostile(harness.GridTest):
    def attack(self, address, chance, tls=None):
        with socket.create_connection(address) as peer:
            peer.settimeout(0.02)  # What comes back, or does not, is of no interest here.
            link = peer
            try:
                link = tls.wrap_socket(peer, server_hostname="localhost") if tls else peer
                sent = [chance.choice(REQUESTS)]
                if chance.random() < 0.6:
                    sent = [UPGRADE]
                    for _ in range(chance.randrange(1, 6)):
                        payload = bytes(chance.randrange(256) for _ in range(chance.choice((0, 1, 8, 60, 400, 3000))))
                        sent.append(frame(chance, bytes([chance.randrange(1, 40)]) + payload))
                elif chance.random() < 0.2:
                    sent = [bytes(chance.randrange(256) for _ in range(chance.randrange(1, 300)))]
                for piece in sent:
                    link.sendall(mutated(chance, piece) if chance.random() < 0.5 else piece)
                    if chance.random() < 0.3:
                        link.recv(4096)
            except OSError:
                pass
            finally:
                link.close()

    def survives(self, gateway, port, tls, target):
        chance = random.Random(SEED)
        for count in range(ROUNDS):
            self.attack(("127.0.0.1", port), chance, tls if chance.random() < 0.8 else None)
            if count % 100 == 50:
                self.gridctl(*target, "put", "climate", f"s{count}", "{}")
        self.assertIsNone(gateway.child.poll(), gateway.errors[-20:])
        rows = self.gridctl(*target, "-o", "ndjson", "ls", "climate").splitlines()
        self.assertEqual(len(rows), len(range(50, ROUNDS, 100)))
        self.assertFalse(any("Sanitizer" in line or "runtime error" in line for line in gateway.errors), gateway.errors)
        self.assertFalse(any("aaaaaaaa" in line for line in gateway.errors), "a token is in the log")
        self.assertLess(len(gateway.errors), 200, "the log is limited")

    def test_a_gateway_outlives_what_it_is_sent(self):
        gateway = self.server()
        self.survives(gateway, int(gateway.url.rsplit(":", 1)[1]), None, ("--target", gateway.url))

    def test_a_gateway_outlives_what_it_is_sent_by_tls_and_at_its_door(self):
        authority = secure.Authority(self.folder)
        certificate, key = authority.sign("localhost")
        config = self.file("gridd.toml", f"[tls]\ncertificate = '{certificate}'\nkey = '{key}'\n")
        gateway = self.server(arguments=("--config", config))
        tls = ssl.create_default_context(cafile=str(authority.certificate))
        port = int(gateway.url.rsplit(":", 1)[1])
        self.survives(gateway, port, tls, ("--target", f"wss://localhost:{port}", "--ca", authority.certificate))


if __name__ == "__main__":
    harness.main()
