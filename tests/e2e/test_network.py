# SPDX-License-Identifier: Apache-2.0
"""The real programs in two network namespaces, with a bad cable between them (cable.py): loss, delay, reordering,
doubling and partitions of real packets under real TCP. Skipped where namespaces are not allowed."""
import signal

import cable
import harness
import load

PARTITIONS = 4
PORT = 7271


class Network(load.LoadTest):
    def setUp(self):
        super().setUp()
        self.cable = cable.Cable(load.seeded())
        self.addCleanup(self.cable.close)

    def process(self, command):
        process = harness.Process(command, self.env)
        self.addCleanup(lambda: process.child.poll() is None and process.stop(signal.SIGKILL))
        return process

    def gateway(self):
        """A gridd at the near end; returns its URL."""
        listen = f"{cable.NEAR}:{PORT}"
        gateway = self.process(self.cable.near.command(harness.program("gridd"), "--dev", "--listen", listen, "--data",
                                                       self.path("gateway")))
        return gateway.first_line()

    def load(self, name, url):
        """A device at the far end."""
        return self.process(self.cable.far.command(harness.program("grid_load"), self.path(name), url, name))

    def far_gridctl(self, *arguments):
        process = self.process(self.cable.far.command(harness.program("gridctl"), *map(str, arguments)))
        self.assertEqual(process.ended(), 0, process.errors)
        return process.lines

    def assert_all_is_there(self, url, written):
        for name in (*written, *written):
            self.far_gridctl("--store", self.path(name), "--target", url, "sync")
        exports = {tuple(self.far_gridctl("--store", self.path(name), "--offline", "export", "load"))
                   for name in written}
        rows = self.far_gridctl("--target", url, "export", "load")
        exports.add(tuple(rows))
        self.assertEqual(len(exports), 1, "the replicas differ")
        keys = {line.split('"', 4)[3] for line in rows}
        for name, count in written.items():
            self.assertEqual([key for key in range(count) if f"{name}/{key}" not in keys], [])

    # SYN-1
    def test_devices_behind_a_lossy_slow_link_that_reorders_converge(self):
        url = self.gateway()
        loaders = {name: self.load(name, url) for name in "ab"}
        self.cable.loss, self.cable.doubling, self.cable.reordering = 0.03, 0.02, 0.05
        self.cable.delay, self.cable.jitter = 0.01, 0.005
        self.wait_for_durable(400, *loaders.values())
        written = {name: self.stop_loader(loader) for name, loader in loaders.items()}
        self.assert_all_is_there(url, written)
        figures = {name: getattr(self.cable, name) for name in ("carried", "lost", "reordered", "doubled")}
        print(f"packets: {figures}", flush=True)
        self.assertGreater(min(figures.values()), 0)

    # ACK-1
    def test_partitions_under_load_lose_nothing_and_devices_come_back(self):
        url = self.gateway()
        loaders = {name: self.load(name, url) for name in "ab"}
        for _ in range(PARTITIONS):
            self.wait_for_durable(50, *loaders.values())
            before = self.cable.lost
            self.cable.is_cut = True
            harness.wait_until(lambda: self.cable.lost > before + 5, "packets to vanish")
            self.cable.is_cut = False
        self.wait_for_durable(50, *loaders.values())
        written = {name: self.stop_loader(loader) for name, loader in loaders.items()}
        self.assert_all_is_there(url, written)

    def test_a_device_that_is_cut_off_works_on_and_is_heard_when_the_link_is_back(self):
        url = self.gateway()
        loader = self.load("a", url)
        self.wait_for_durable(50, loader)
        self.cable.is_cut = True
        written = self.stop_loader(loader)
        self.assertGreater(written, load.durable(loader))
        self.cable.is_cut = False
        self.assert_all_is_there(url, {"a": written})


if __name__ == "__main__":
    harness.main()
