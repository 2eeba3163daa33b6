# SPDX-License-Identifier: Apache-2.0
"""Links as they come: what idle ones take of a gateway's memory and how fast they are taken in, beside mosquitto in the
same run and by the same generator; and how long it takes until devices that come back all at once after kill -9 are in
sync. Generator and servers share this machine's cores.

    ./dev bench links [--full]
"""
import concurrent.futures
import os
import pathlib
import shutil
import selectors
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import bench
import harness
import secure

RUNS = 5
IDLE_RUNS = 3
HANDS = 8  # Threads that open links.
WARM = 100  # What the first links need is there for all.
ROWS = 10  # That each device writes while the gateway is away.

UPGRADE = (b"GET /v1/default HTTP/1.1\r\nHost: grid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def received(link, most):
    some = link.recv(most)
    if not some:
        raise AssertionError("the server has hung up")
    return some


class Listener(threading.Thread):
    """Answers pings on links that do nothing else, as any client would: who does not is hung up on."""

    def __init__(self):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.is_over = False
        self.start()

    def add(self, link):
        with self.lock:
            self.selector.register(link, selectors.EVENT_READ)

    def run(self):
        while not self.is_over:
            with self.lock:
                ready = self.selector.select(0)
            for key, _ in ready:
                self.answer(key.fileobj)
            time.sleep(0.1)

    def answer(self, link):
        try:
            frame = link.recv(4096)
        except OSError:
            frame = b""  # Gone: who counts the links will see.
        if frame[:1] == b"\x89":
            link.sendall(b"\x8a" + bytes([0x80 | frame[1]]) + bytes(4) + frame[2:2 + frame[1]])
        elif not frame:
            with self.lock:
                self.selector.unregister(link)

    def stop(self):
        self.is_over = True
        self.join()


class Server:
    """What is measured, by its process."""

    pid = 0

    def sockets(self):
        """How many it has."""
        files = pathlib.Path(f"/proc/{self.pid}/fd").iterdir()
        return sum(os.readlink(file).startswith("socket:") for file in files)


class Gridd(Server):
    """A gateway with room for all, on loopback."""

    name = "gridd"

    def __init__(self, folder, identity, listen="127.0.0.1:0"):
        settings = ["apps.links=12000", "limits.connections_per_address=0", "limits.connections=16384"]
        if identity:
            settings += [f"tls.certificate={identity[0]}", f"tls.key={identity[1]}"]
        self.server = harness.Server(folder / "gridd", listen=listen,
                                     arguments=[word for one in settings for word in ("--set", one)])
        self.pid = self.server.child.pid
        self.port = int(self.server.url.rsplit(":", 1)[1])

    def greet(self, link, _):
        link.sendall(UPGRADE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += received(link, 4096)
        if not head.startswith(b"HTTP/1.1 101"):
            raise AssertionError(head)

    def stop(self):
        self.server.stop(signal.SIGKILL)


class Mosquitto(Server):
    """Without persistence."""

    name = "mosquitto"

    def __init__(self, folder, identity):
        self.port = free_port()
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "persistence false", "user root",
                 "set_tcp_nodelay true"]
        if identity:
            lines += [f"certfile {identity[0]}", f"keyfile {identity[1]}"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self.child = subprocess.Popen(["mosquitto", "-c", str(folder / "mosquitto.conf")], stderr=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL)
        self.pid = self.child.pid

        def answers():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        harness.wait_until(answers, "mosquitto listens")

    def greet(self, link, number):
        name = f"device-{number}".encode()
        body = b"\x00\x04MQTT\x04\x02\x0e\x10" + len(name).to_bytes(2, "big") + name
        link.sendall(bytes([0x10, len(body)]) + body)
        answer = b""
        while len(answer) < 4:
            answer += received(link, 4 - len(answer))
        if answer != b"\x20\x02\x00\x00":
            raise AssertionError(answer)

    def stop(self):
        self.child.kill()
        self.child.wait()


class Links:
    def __init__(self, figures, folder):
        self.figures, self.folder = figures, folder
        self.idle_links = {"plain": 10_000 if figures.full else 2_000, "TLS": 2_000}
        self.devices = 1_000 if figures.full else 200
        authority = secure.Authority(folder)
        self.ca = str(authority.certificate)
        self.identity = authority.sign("localhost")
        self.tls = ssl.create_default_context(cafile=self.ca)

    def run_folder(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.folder))

    @staticmethod
    def open_links(server, tls, first, count, listener):
        """Opens them by HANDS threads, and returns them."""
        def some(hand):
            mine = []
            for number in range(first + hand, first + count, HANDS):
                link = socket.create_connection(("127.0.0.1", server.port))
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if tls:
                    link = tls.wrap_socket(link, server_hostname="localhost")
                server.greet(link, number)
                listener.add(link)
                mine.append(link)
            return mine

        with concurrent.futures.ThreadPoolExecutor(HANDS) as hands:
            return [link for mine in hands.map(some, range(HANDS)) for link in mine]

    def hold_idle(self, kind, tls, count):
        """Bytes of resident memory an idle link, and links a second while they were opened."""
        server = kind(self.run_folder(), self.identity if tls else None)
        listener, links = Listener(), []
        try:
            links += self.open_links(server, tls, 0, WARM, listener)
            before, begun = bench.memory_of(server.pid), time.monotonic()
            links += self.open_links(server, tls, WARM, count, listener)
            took = time.monotonic() - begun
            each = (bench.memory_of(server.pid) - before) / count
            if server.sockets() < len(links):
                raise AssertionError(f"of {len(links)} links {server.sockets()} are open in the end")
            return each, count / took
        finally:
            listener.stop()
            for link in links:
                link.close()
            server.stop()

    def idle(self, word, tls):
        ours = [], []
        peers = [], []
        for _ in range(IDLE_RUNS):
            for kind, told in ((Gridd, ours), (Mosquitto, peers)):
                if kind is Gridd or shutil.which("mosquitto"):
                    for figures, figure in zip(told, self.hold_idle(kind, tls, self.idle_links[word])):
                        figures.append(figure)
        what = f"an idle link of {self.idle_links[word]}, {word}, resident"
        self.figures.tell(what, "B", ours[0], "mosquitto", peers[0])
        self.figures.tell(f"links taken in, {word}, {HANDS} hands", "/s", ours[1], "mosquitto", peers[1])

    def come_back(self, word, tls):
        """Devices with rows to send, all at once, to a gateway that was killed and started anew."""
        folder, identity = self.run_folder(), self.identity if tls else None
        gateway = Gridd(folder, identity)
        url = gateway.server.url.replace("127.0.0.1", "localhost")
        swarm = subprocess.Popen([harness.program("grid_swarm"), url, str(self.devices), *([self.ca] if tls else [])],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ask(line, answer):
            print(line, file=swarm.stdin, flush=True)
            return self.expect(swarm, answer)

        listening, sessions, synced = [], [], []
        try:
            self.expect(swarm, "up")
            for _ in range(RUNS):
                gateway.stop()
                ask(str(ROWS), "written")
                begun = time.monotonic()
                gateway = Gridd(folder, identity, gateway.server.listen())
                listening.append(1000 * (time.monotonic() - begun))
                session_at, synced_at = map(float, ask("back", "back").split()[1:])
                sessions.append(session_at - begun)
                synced.append(synced_at - begun)
        finally:
            swarm.kill()
            swarm.wait()
            gateway.stop()
        what = f"{self.devices} devices come back, {word}"
        self.figures.tell(f"{what}: gridd listens after", "ms", listening)
        self.figures.tell(f"{what}: sessions", "/s", [self.devices / took for took in sessions])
        self.figures.tell(f"{what}, {ROWS} rows each: all in sync after", "s", synced)

    @staticmethod
    def expect(swarm, answer):
        line = swarm.stdout.readline().strip()
        if not line.startswith(answer):
            raise AssertionError(f"grid_swarm says {line!r} and not {answer}")
        return line


if __name__ == "__main__":
    with bench.run("bench_links") as (told, place):
        measured = Links(told, place)
        for kind_of_link, context in (("plain", None), ("TLS", measured.tls)):
            measured.idle(kind_of_link, context)
            measured.come_back(kind_of_link, context)
