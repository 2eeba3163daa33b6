# SPDX-License-Identifier: Apache-2.0
"""What an app may take of a gateway: what grows beyond its quota is refused, and what comes too fast arrives later."""

import json
import signal
import urllib.request

import harness


class Quota(harness.GridTest):
    def gateway(self, text):
        return self.server(arguments=("--config", self.file("gridd.toml", text)))

    def replica(self, name, gateway, *arguments, code=0):
        return self.gridctl_fails(code, "--target", gateway.url, "--store", self.path(name), *arguments)

    def figures(self, gateway):
        return json.loads(self.gridctl("--target", gateway.url, "status", "--server", "-o", "json"))

    @staticmethod
    def http(gateway, path, body=None):
        with urllib.request.urlopen(urllib.request.Request(gateway.url.replace("ws://", "http://") + path, data=body),
                                    timeout=harness.DEADLINE_SECONDS) as answer:
            return answer.read().decode()

    def test_what_grows_is_refused_and_replicas_are_equal(self):
        gateway = self.gateway("[apps]\nquota.cells = 100\n[app.default]\nquota.cells = 3\n")
        for name in ("a", "b"):
            self.replica(name, gateway, "put", "climate", f"{name}/1", "1")
        self.replica("a", gateway, "put", "climate", "a/2", "1")
        refused = self.replica("b", gateway, "put", "climate", "b/2", "1", code=1)
        self.assertIn("full: the app is full: it holds 3 of 3 cells (quota.cells)", refused.err)
        self.replica("b", gateway, "put", "climate", "b/1", "2")
        self.replica("a", gateway, "rm", "climate", "a/1")
        rows = [self.replica(name, gateway, "export", "climate").out for name in ("a", "b")]
        self.assertEqual(rows[0], rows[1])
        self.assertEqual([json.loads(line)["key"] for line in rows[0].splitlines()], ["a/2", "b/1"])
        letters = json.loads(self.replica("b", gateway, "deadletter", "ls", "-o", "json").out)
        self.assertEqual([(one["key"], one["reason"]) for one in letters], [("b/2", "full")])
        figures = self.figures(gateway)
        self.assertEqual((figures["cells"], figures["quota_cells"], figures["tombstones"]), (3, 3, 1))

    def test_a_reload_gives_more_room(self):
        gateway = self.gateway("[apps]\nquota.bytes = '64B'\n")
        here = ("--target", gateway.url)
        self.gridctl(*here, "put", "climate", "small", "1")
        self.gridctl_fails(1, *here, "put", "climate", "large", json.dumps("x" * 100))
        metrics = self.http(gateway, "/metrics")
        self.assertIn('grid_ops_rejected_total{app="default",reason="full"} 1', metrics)
        self.assertIn('grid_quota_bytes{app="default"} 64', metrics)
        self.assertIn('grid_cells{app="default"} 1', metrics)
        self.file("gridd.toml", "[apps]\nquota.bytes = '1KiB'\n")
        gateway.child.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: any("configuration reloaded" in line for line in gateway.errors), "a reload")
        self.assertFalse([line for line in gateway.errors if "needs a restart" in line])
        self.gridctl(*here, "put", "climate", "large", json.dumps("x" * 100))

    def test_what_comes_too_fast_arrives_all_the_same(self):
        gateway = self.gateway("[apps]\nquota.ops_per_second = 200\n")
        rows = "".join(json.dumps({"key": f"k{i:03}", "value": i}) + "\n" for i in range(500))
        self.replica("a", gateway, "import", "climate", self.file("rows.ndjson", rows))
        sent = "".join(json.dumps({"key": f"w{i:03}", "value": i}) + "\n" for i in range(300)).encode()
        self.assertEqual(json.loads(self.http(gateway, "/v1/default/import/climate", sent))["written"], 300)
        self.replica("b", gateway, "sync", "--map", "climate")
        self.assertEqual(len(self.replica("b", gateway, "export", "climate").out.splitlines()), 800)
        figures = self.figures(gateway)
        self.assertEqual((figures["ops_rejected"], figures["ops_unpaid"], figures["cells"]), (0, 0, 800))


if __name__ == "__main__":
    harness.main()
