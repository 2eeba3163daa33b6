# SPDX-License-Identifier: Apache-2.0
"""How long a gateway takes from its start until it is ready, with all that it holds: from its journal, after kill -9,
and from its database, when the journal is lost. And what a flush of the journal takes under load: what came since the
last one is what a power cut takes from the gateway, and what its devices still have.

    ./dev bench start [--full]
"""
import http.client
import re
import shutil
import signal
import subprocess
import time

import bench
import harness
import load

RUNS = 5
ROWS_OF_A_REQUEST = 50_000
FLUSH_SECONDS = 10


def ask(gateway, method, path, body=None):
    link = http.client.HTTPConnection("127.0.0.1", int(gateway.url.rsplit(":", 1)[1]), timeout=600)
    link.request(method, path, body)
    answer = link.getresponse()
    said = answer.read().decode()
    link.close()
    if answer.status != 200:
        raise AssertionError(f"{path}: {answer.status} {said}")
    return said


def metric(said, name):
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", said, re.MULTILINE))


class Starts:
    def __init__(self, figures, folder):
        self.figures, self.folder = figures, folder
        self.rows = 1_000_000 if figures.full else 100_000

    def fill(self):
        gateway = harness.Server(self.folder / "journal")
        # An app is there once a device has come.
        subprocess.run([harness.program("gridctl"), "--store", self.folder / "store", "--target", gateway.url, "put",
                        "m", "sensor/0", "0"], check=True, capture_output=True)
        for first in range(0, self.rows, ROWS_OF_A_REQUEST):
            rows = range(first, min(first + ROWS_OF_A_REQUEST, self.rows))
            ask(gateway, "POST", "/v1/default/import/m",
                "".join(f'{{"key":"sensor/{row:07}","value":{{"temp":{row % 400 / 10},"site":"hall {row % 9}"}}}}\n'
                        for row in rows))

        def is_drained():
            said = ask(gateway, "GET", "/metrics")
            return metric(said, "grid_database_drained") == metric(said, "grid_journal_head")

        harness.wait_until(is_drained, "the database has all", 1_800)
        gateway.stop(signal.SIGKILL)

    def start(self, data):
        """Seconds until it is ready, and its memory then; it is killed."""
        begun = time.monotonic()
        gateway = harness.Server(data)
        ask(gateway, "GET", "/readyz")
        took = time.monotonic() - begun
        memory = bench.memory_of(gateway.child.pid, "RssAnon")
        head = metric(ask(gateway, "GET", "/metrics"), "grid_journal_head")
        if head < self.rows:
            raise AssertionError(f"ready with {head} of {self.rows} rows")
        gateway.stop(signal.SIGKILL)
        return took, memory

    def starts(self):
        self.fill()
        from_journal = [self.start(self.folder / "journal") for _ in range(RUNS)]
        from_database = []
        for run in range(RUNS):
            app = self.folder / f"lost-{run}" / "apps/default"
            app.mkdir(parents=True)
            for file in (self.folder / "journal/apps/default").glob("cells.sqlite*"):
                shutil.copy(file, app)
            from_database.append(self.start(self.folder / f"lost-{run}"))
            shutil.rmtree(self.folder / f"lost-{run}")
        for word, runs in (("its journal", from_journal), ("its database, the journal being lost", from_database)):
            self.figures.tell(f"ready with {self.rows} rows, from {word}", "s", [took for took, _ in runs])
        self.figures.tell("memory of its own then", "MiB", [memory / 2**20 for _, memory in from_journal])

    def flushes(self):
        gateway = harness.Server(self.folder / "flushes")
        loaders = [harness.Process([harness.program("grid_load"), str(self.folder / name), gateway.url, name])
                   for name in "ab"]
        harness.wait_until(lambda: load.durable(*loaders) > 0, "acknowledgements")
        before, begun = ask(gateway, "GET", "/metrics"), time.monotonic()
        each, ops = [], []
        while time.monotonic() < begun + FLUSH_SECONDS:
            time.sleep(1)
            now = ask(gateway, "GET", "/metrics")
            more = {name: metric(now, name) - metric(before, name) for name in (
                "grid_journal_flush_seconds_sum", "grid_journal_flush_seconds_count", "grid_ops_applied_total")}
            flushes = max(1.0, more["grid_journal_flush_seconds_count"])
            each.append(1_000 * more["grid_journal_flush_seconds_sum"] / flushes)
            ops.append(more["grid_ops_applied_total"] / flushes)
            before = now
        for loader in loaders:
            loader.stop(signal.SIGKILL)
        gateway.stop(signal.SIGKILL)
        self.figures.tell("a flush of the journal under load", "ms", each)
        self.figures.tell("ops that one flush makes durable", "", ops)


if __name__ == "__main__":
    with bench.run("bench_start") as (told, place):
        starts = Starts(told, place)
        starts.starts()
        starts.flushes()
