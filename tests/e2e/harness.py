# SPDX-License-Identifier: Apache-2.0
"""What end-to-end tests share: the programs under test, folders that go away, servers, and waiting for conditions.

Programs are found in $GRID_BIN. Every wait is for a condition, with a deadline so generous that only a hang meets it:
no verdict depends on how fast a machine is. Whatever a test starts ends with it.
"""
import importlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

DEADLINE_SECONDS = 120


SOURCE = pathlib.Path(os.environ.get("GRID_SOURCE", pathlib.Path(__file__).parents[2]))


def program(name):
    """The path of a program under test; the test is skipped where it has not been built."""
    path = pathlib.Path(os.environ["GRID_BIN"]) / name
    if not path.exists():
        raise unittest.SkipTest(f"{path} is not built")
    return str(path)


def golden_image():
    """The flash image of tests/golden: the bytes that it names, and 0xff in between."""
    image = bytearray()
    for line in (SOURCE / "tests/golden/flash-1.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            offset, content = line.split()
            image += b"\xff" * (int(offset, 16) - len(image)) + bytes.fromhex(content.strip("-"))
    return bytes(image)


def wait_until(condition, what, seconds=DEADLINE_SECONDS):
    """Asks `condition` again and again until it is true."""
    give_up_at = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > give_up_at:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.02)


class Outcome:
    """How a program ended."""

    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def __str__(self):
        return f"{' '.join(self.command)}\n  exit {self.code}\n  stdout {self.out!r}\n  stderr {self.err!r}"

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


def on_postgres():
    """Whether gateways are to drain into Postgres, in tests that are not about databases."""
    return os.environ.get("GRID_E2E_SINK") == "postgres"


def postgres():
    """The module that starts one; it needs this one, and a server's programs."""
    return importlib.import_module("postgres")


def database_of(command):
    """What a gridd finds in its environment that tells it which database to take."""
    if not on_postgres() or "--data" not in command:
        return {}
    return postgres().environment_of(command[command.index("--data") + 1])


class Process:
    """A program that runs beside the test; what it prints is gathered line by line."""

    def __init__(self, command, env=None):
        self.command = command
        self.lines = []
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      env={**os.environ, **database_of(command), **(env or {})}, text=True)
        self.errors = []
        self._readers = [threading.Thread(target=self._gather, args=pair, daemon=True)
                         for pair in ((self.child.stdout, self.lines), (self.child.stderr, self.errors))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _gather(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def first_line(self):
        wait_until(lambda: self.lines or self.child.poll() is not None, f"a line from {self.command}")
        if not self.lines:
            raise AssertionError(f"{self.command} ended without a line: {self.errors}")
        return self.lines[0]

    def stop(self, how=signal.SIGTERM):
        """Ends it and returns its exit code; negative: of that signal."""
        if self.child.poll() is None:
            self.child.send_signal(how)
        return self.ended()

    def ended(self):
        """Waits for its end."""
        try:
            code = self.child.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise AssertionError(f"{self.command} does not end; stderr {self.errors}") from None
        for reader in self._readers:
            reader.join(DEADLINE_SECONDS)
        self.child.stdout.close()
        self.child.stderr.close()
        return code


class Server(Process):
    """A gridd on a port of its own choice; `url` is where it listens."""

    def __init__(self, data, listen="127.0.0.1:0", env=None, arguments=()):
        super().__init__([program("gridd"), "--dev", "--listen", listen, "--data", str(data), *arguments], env)
        self.url = self.first_line()

    def listen(self):
        """Its address, for one that is to come back at the same place."""
        return self.url.split("//")[1]


class GridTest(unittest.TestCase):
    """A test with a folder of its own, whose gridctl keeps its default store in that folder."""

    maxDiff = None

    def fetch(self, gateway, path, body=None, token=None, method=None):
        """Status, headers and body of what is answered by HTTP."""
        request = urllib.request.Request(gateway.url.replace("ws://", "http://") + path, data=body, method=method)
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read().decode()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="grid-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.env = {"XDG_DATA_HOME": str(self.folder / "share"), "LC_ALL": "C.UTF-8"}

    def path(self, name):
        return str(self.folder / name)

    def file(self, name, content):
        """Writes a file and returns its path."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def database(self, data="gateway"):
        """What the database of a gateway has: key, and its value or None for a removal."""
        if on_postgres():
            return postgres().cells(self.path(data))
        with sqlite3.connect(f"file:{self.path(data)}/apps/default/cells.sqlite?mode=ro", uri=True) as database:
            return {key: json.loads(value) if value else None
                    for key, value in database.execute("SELECT key, json FROM cell")}

    def numbers(self, count):
        """A CSV of so many rows with the keys 0, 1, 2, ..."""
        return self.file("numbers.csv", "id\n" + "".join(f"{number}\n" for number in range(count)))

    def server(self, data="gateway", **options):
        server = Server(self.path(data), **options)
        self.addCleanup(lambda: server.child.poll() is None and server.stop(signal.SIGKILL))
        return server

    def start(self, *arguments, env=None):
        """A gridctl that runs on while the test does something else."""
        process = Process([program("gridctl"), *map(str, arguments)], {**self.env, **(env or {})})
        self.addCleanup(lambda: process.child.poll() is None and process.stop(signal.SIGKILL))
        return process

    def run_gridctl(self, *arguments, stdin=b"", env=None):
        """Runs gridctl to its end, whatever that is."""
        command = [program("gridctl"), *map(str, arguments)]
        stdin = stdin if isinstance(stdin, bytes) else stdin.encode()
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=DEADLINE_SECONDS,
                              env={**os.environ, **self.env, **(env or {})}, check=False)
        return Outcome(command, done.returncode, done.stdout.decode(), done.stderr.decode())

    def on_terminal(self, *arguments):
        """What a person sees of a gridctl that has to succeed: stdout and stderr on one terminal."""
        screen, terminal = os.openpty()
        command = [program("gridctl"), *map(str, arguments)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
                              env={**os.environ, **self.env}) as child:
            os.close(terminal)
            seen = b""
            try:
                while chunk := os.read(screen, 4096):
                    seen += chunk
            except OSError:  # How a terminal ends.
                pass
            os.close(screen)
            self.assertEqual(child.wait(DEADLINE_SECONDS), 0, seen)
        return seen.decode().replace("\r\n", "\n")

    def gridctl(self, *arguments, **options):
        """Runs gridctl; it has to succeed. Returns its stdout."""
        return self.gridctl_fails(0, *arguments, **options).out

    def gridctl_fails(self, code, *arguments, **options):
        """Runs gridctl; it has to end with `code`, and if that is not 0, with one sentence on stderr."""
        outcome = self.run_gridctl(*arguments, **options)
        self.assertEqual(outcome.code, code, str(outcome))
        if code != 0:
            self.assertRegex(outcome.err, r"\Agridctl: \S[^\n]*\n\Z", str(outcome))
        return outcome


def main():
    """Runs the tests of the calling script; their sums are printed as cmocka prints them, for tests/report.py."""
    result = unittest.main(verbosity=2, exit=False).result
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    for word, count in (("PASSED", result.testsRun - failed - skipped), ("FAILED", failed), ("SKIPPED", skipped)):
        if count:
            print(f"[  {word}  ] {count} test(s).")
    raise SystemExit(0 if result.wasSuccessful() else 1)
