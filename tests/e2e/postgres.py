# SPDX-License-Identifier: Apache-2.0
"""A real Postgres server of a test's own, on a socket in a folder that goes away. It ends with its test, however that
ends."""
import atexit
import functools
import hashlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import harness

BIN = pathlib.Path(os.environ["GRID_POSTGRES_BIN"])


class Postgres:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="grid-pg-"))
        self.child = None
        self._as_user = ["setpriv", "--pdeathsig", "QUIT"]
        if os.geteuid() == 0:  # It refuses to run as root.
            user = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))
            user = next((one for one in pwd.getpwall() if one.pw_name == "postgres"), user)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as_user += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self._run("initdb", "-D", self.folder / "data", "-U", "grid", "-A", "trust", "--no-locale", "-E", "UTF8", "-N")

    def _command(self, name, *arguments):
        return [*self._as_user, str(BIN / name), *map(str, arguments)]

    def _run(self, name, *arguments):
        done = subprocess.run(self._command(name, *arguments), capture_output=True, text=True, check=False, cwd="/",
                              timeout=harness.DEADLINE_SECONDS)
        if done.returncode != 0:
            raise AssertionError(f"{name}: {done.stderr}")

    def start(self, *settings, env=None):
        """Starts it, and waits until it takes sessions. What is killed is a process: the system keeps its files."""
        options = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", *settings]
        command = self._command("postgres", "-D", self.folder / "data", "-k", self.folder,
                                *(word for option in options for word in ("-c", option)))
        ready = [str(BIN / "pg_isready"), "-q", "-h", str(self.folder)]

        def is_ready():
            # It refuses to while sessions of one that was killed are still ending.
            if self.child is None or self.child.poll() is not None:
                with open(self.folder / "log", "ab") as log:
                    self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                                  env={**os.environ, **(env or {})})
            return subprocess.run(ready, check=False).returncode == 0

        harness.wait_until(is_ready, "Postgres takes sessions")
        return self

    def kill(self):
        """As a crash: nobody is told."""
        self._end(signal.SIGKILL)

    def stop(self):
        """As an operator does it: sessions end with a word."""
        self._end(signal.SIGINT)

    def _end(self, how):
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(how)
            self.child.wait(harness.DEADLINE_SECONDS)
        self.child = None

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self):
        return self.url_of("postgres")

    def url_of(self, database):
        return f"postgresql://grid@/{database}?host={self.folder}"

    def query(self, sql, url=None):
        """What psql prints: rows as lines, columns parted by |."""
        command = [str(BIN / "psql"), "-XAtqv", "ON_ERROR_STOP=1", url or self.url, "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=harness.DEADLINE_SECONDS)
        if done.returncode != 0:
            raise AssertionError(f"{sql}: {done.stderr}")
        return done.stdout.strip()


@functools.cache
def _shared():
    server = Postgres()
    atexit.register(server.remove)
    return server.start()


@functools.cache
def environment_of(data):
    """For a gateway of a test that is not about databases: each data directory has a database of its own."""
    name = "d" + hashlib.sha256(str(data).encode()).hexdigest()[:16]
    _shared().query(f"create database {name}")
    return {"GRIDD_APPS_SINK_TYPE": "postgres", "GRIDD_APPS_SINK_URL": _shared().url_of(name)}


def cells(data):
    """What the database of that directory has: key, and its value or None for a removal."""
    url = environment_of(data)["GRIDD_APPS_SINK_URL"]
    lines = _shared().query("select json_build_array(key, json) from grid_default.cell", url).splitlines()
    return dict(json.loads(line) for line in lines)


class PostgresTest(harness.GridTest):
    """A test with a Postgres that runs, and gateways that drain into it."""

    def setUp(self):
        super().setUp()
        self.postgres = Postgres()
        self.addCleanup(self.postgres.remove)
        self.postgres.start()

    def gateway(self, data="gateway", through=(), **options):
        maps = "".join(f'[map.{name}]\ndurable = "database"\n' for name in through)
        config = self.file("gridd.toml", f'[apps.sink]\ntype = "postgres"\nurl = "{self.postgres.url}"\n{maps}')
        return self.server(data, arguments=["--config", config], **options)

    def state_of(self, gateway):
        """What gridctl shows of the gateway and its database."""
        return json.loads(self.gridctl("--target", gateway.url, "status", "--server"))

    def wait_for_drained(self, gateway):
        """Until the database has all that the gateway has acknowledged."""
        harness.wait_until(lambda: (lambda state: state["drained"] == state["head"] and state["sink"] == "ok")(
            self.state_of(gateway)), "the database has everything")
