# SPDX-License-Identifier: Apache-2.0
"""What a gateway answers by HTTP: whether it is ready, what it counts, and rows in and out."""

import json
import signal
import socket
import subprocess
import urllib.parse

import harness

CONFIG = """
[auth]
device_tokens = true
[map.climate]
require = "temp < 100"
[role.clerk]
grants = [{ map = "climate", actions = ["read", "put"] }, { actions = ["inspect"] }]
[role.guest]
grants = [{ map = "climate", actions = ["read"], where = "site = 'Oslo'", hide = ["price"] }]
[role.nobody]
grants = []
"""


class Http(harness.GridTest):
    def rows(self, gateway, path, **options):
        status, _, body = self.fetch(gateway, path, **options)
        self.assertEqual(status, 200, body)
        return [json.loads(line) for line in body.splitlines()]

    def bring(self, gateway, rows, path="/v1/default/import/climate", **options):
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        status, _, answer = self.fetch(gateway, path, body=body, **options)
        return status, json.loads(answer)

    def opened(self):
        """A gateway for development, with one row that a device brought."""
        rules = self.file("rules.toml", "[map.climate]\nrequire = 'temp < 100'\n")
        gateway = self.server(arguments=("--policy", rules))
        self.gridctl("--target", gateway.url, "put", "climate", "a", '{"temp": 1}')
        return gateway

    def status_as(self, gateway, host, path="/metrics", *headers):
        """The status of a request that names this host."""
        address, port = gateway.listen().rsplit(":", 1)
        with socket.create_connection((address, int(port)), harness.DEADLINE_SECONDS) as peer:
            lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]
            peer.sendall("\r\n".join(lines).encode())
            return int(peer.recv(100).split()[1])

    def test_a_page_that_has_its_name_lead_here_is_not_let_in(self):
        gateway = self.opened()
        port = gateway.listen().rsplit(":", 1)[1]
        link = ("/v1/default", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: grid.1")
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example:80"):
            self.assertEqual(self.status_as(gateway, host), 403, host)
            self.assertEqual(self.status_as(gateway, host, *link, f"Origin: http://{host}"), 403, host)
        for host in ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", "[::1]", f"[::1]:{port}", "10.0.2.2:80"):
            self.assertEqual(self.status_as(gateway, host), 200, host)

    def test_a_large_map_is_looked_through_and_others_go_on(self):
        gateway = self.opened()
        rows = [{"key": f"k{i:05}", "value": {"temp": 50 if i == 11_000 else 1}} for i in range(12_000)]
        self.assertEqual(self.bring(gateway, rows)[0], 200)
        path = "/v1/default/query/climate?" + urllib.parse.urlencode({"where": "temp = 50"})
        self.assertEqual([row["key"] for row in self.rows(gateway, path)], ["k11000"])
        self.assertEqual(len(self.rows(gateway, "/v1/default/export/climate")), 12_001)

    def test_rows_come_and_go_as_lines(self):
        gateway = self.opened()
        rows = [{"key": f"k{i:04}", "value": {"temp": i % 90, "text": "x" * 100}} for i in range(3000)]
        self.assertEqual(self.bring(gateway, rows),
                         (200, {"lines": 3000, "written": 3000, "refused": 0, "problems": []}))
        exported = self.rows(gateway, "/v1/default/export/climate")
        self.assertEqual(exported, [{"key": "a", "value": {"temp": 1}}, *rows])
        self.assertEqual(self.rows(gateway, "/v1/default/export/climate?after=k2997"), rows[2998:])
        self.gridctl("--target", gateway.url, "--store", self.path("b"), "sync", "--map", "climate")
        self.assertEqual(json.loads(self.gridctl("--store", self.path("b"), "--offline", "get", "climate", "k2999")),
                         rows[2999]["value"])

    def test_a_question_is_answered_in_its_order_and_in_pages(self):
        gateway = self.opened()
        self.bring(gateway, [{"key": f"k{i}", "value": {"temp": i}} for i in range(9)])
        question = {"where": "temp > 2", "order": "temp desc", "limit": 4}
        first = self.rows(gateway, f"/v1/default/query/climate?{urllib.parse.urlencode(question)}")
        self.assertEqual([row["key"] for row in first[:4]], ["k8", "k7", "k6", "k5"])
        question["after"] = first[4]["cursor"]
        rest = self.rows(gateway, f"/v1/default/query/climate?{urllib.parse.urlencode(question)}")
        self.assertEqual([row["key"] for row in rest], ["k4", "k3"])

    def test_lines_that_are_no_rows_are_told_and_the_others_are_taken(self):
        gateway = self.opened()
        body = (b'{"key":"b","value":{"temp":2}}\n{"key":"c","value":{"temp":500}}\nnonsense\n{"value":1}\n\n'
                b'{"key":"d","value":{"temp":4}}')
        status, _, answer = self.fetch(gateway, "/v1/default/import/climate", body=body)
        answer = json.loads(answer)
        self.assertEqual((status, answer["lines"], answer["written"], answer["refused"]), (422, 6, 2, 3))
        self.assertEqual([problem.split(":")[0] for problem in answer["problems"]], ["line 2", "line 3", "line 4"])
        self.assertEqual([row["key"] for row in self.rows(gateway, "/v1/default/export/climate")], ["a", "b", "d"])

    def test_an_import_goes_on_behind_what_was_taken(self):
        gateway = self.opened()
        rows = [{"key": f"k{i}", "value": {"temp": i}} for i in range(5)]
        self.assertEqual(self.bring(gateway, rows, "/v1/default/import/climate?skip=3")[1]["written"], 2)
        self.assertEqual([row["key"] for row in self.rows(gateway, "/v1/default/export/climate")], ["a", "k3", "k4"])

    def test_what_was_answered_survives_a_kill(self):
        gateway = self.opened()
        self.assertEqual(self.bring(gateway, [{"key": f"k{i}", "value": {"temp": i}} for i in range(50)])[0], 200)
        gateway.stop(signal.SIGKILL)
        again = self.server()
        # One whose database is a server is opened behind the start.
        harness.wait_until(lambda: self.fetch(again, "/readyz")[0] == 200, "its app is open")
        self.assertEqual(len(self.rows(again, "/v1/default/export/climate")), 51)

    def test_what_makes_no_sense_is_answered_with_a_sentence(self):
        gateway = self.opened()
        for path, status, sentence in (("/v1/default/query/climate?where=temp%20%3E%3E%201", 400, "column 6"),
                                       ("/v1/default/query/climate?limit=0", 400, "limit is 1 to"),
                                       ("/v1/default/query/climate?lmit=1", 400, "there is no parameter lmit"),
                                       ("/v1/default/query/climate?after=x", 400, "cursor"),
                                       ("/v1/default/query/cli%2Fmate", 400, "a map has"),
                                       ("/v1/nowhere/export/climate", 404, "there is no app nowhere"),
                                       ("/v1/default/climate", 404, "nothing is here"),
                                       ("/elsewhere", 404, "nothing is here")):
            answer = self.fetch(gateway, path)
            self.assertEqual(answer[0], status, (path, answer[2]))
            self.assertIn(sentence, json.loads(answer[2])["error"])
        self.assertEqual(self.fetch(gateway, "/v1/default/export/climate", method="DELETE")[0], 405)
        self.assertEqual(self.fetch(gateway, "/v1/default/import/climate")[0], 405)
        self.assertEqual(self.fetch(gateway, "/v1/default/import/climate?skip=x", body=b"{}")[0], 400)

    def test_every_metric_is_told_and_in_its_page(self):
        gateway = self.opened()
        listed = subprocess.run([harness.program("gridd"), "--list-metrics"], capture_output=True, text=True,
                                timeout=30).stdout
        page = (harness.SOURCE / "docs" / "http.md").read_text()
        self.assertIn(listed, page)
        status, headers, body = self.fetch(gateway, "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["content-type"].startswith("text/plain; version=0.0.4"))
        for line in listed.splitlines()[2:]:
            self.assertIn(f"# TYPE {line.split('`')[1]} ", body)
        self.assertIn('grid_ops_applied_total{app="default"} 1\n', body)

    def test_a_gateway_is_ready_once_its_apps_are_open(self):
        gateway = self.opened()
        self.assertEqual(self.fetch(gateway, "/readyz")[0::2], (200, "ready\n"))
        self.assertEqual(self.fetch(gateway, "/healthz")[0], 200)

    def enrolled(self, gateway_data, role):
        return self.gridctl("server", "--data", gateway_data, "enroll", f"a-{role}", "--role", role).strip()

    def locked(self):
        """A gateway that asks who comes; and a token of each role."""
        data = self.path("locked")
        config = self.file("gridd.toml", CONFIG)
        gateway = harness.Process([harness.program("gridd"), "--config", config, "--data", data, "--listen",
                                   "127.0.0.1:0"])
        self.addCleanup(lambda: gateway.child.poll() is None and gateway.stop(signal.SIGKILL))
        gateway.url = gateway.first_line()
        tokens = {role: self.enrolled(data, role) for role in ("clerk", "guest", "nobody")}
        store = ("--target", gateway.url, "--store", self.path("clerks"), "--token-file",
                 self.file("token", tokens["clerk"]))
        self.gridctl(*store, "put", "climate", "a", '{"temp": 1, "site": "Oslo", "price": 7}')
        return gateway, tokens

    def test_nobody_sees_more_than_a_grant_says(self):
        gateway, tokens = self.locked()
        rows = [{"key": "b", "value": {"temp": 2, "site": "Rome", "price": 8}}]
        self.assertEqual(self.bring(gateway, rows, token=tokens["clerk"])[0], 200)
        whole = [{"key": "a", "value": {"price": 7, "site": "Oslo", "temp": 1}},
                 {"key": "b", "value": {"price": 8, "site": "Rome", "temp": 2}}]
        for path in ("/v1/default/export/climate", "/v1/default/query/climate"):
            self.assertEqual(self.fetch(gateway, path)[0], 401)
            self.assertEqual(self.fetch(gateway, path, token="grid_nonsense")[0], 401)
            self.assertEqual(self.fetch(gateway, path, token=tokens["nobody"])[0], 403)
            self.assertEqual(self.rows(gateway, path, token=tokens["guest"]),
                             [{"key": "a", "value": {"site": "Oslo", "temp": 1}}])
            self.assertEqual(self.rows(gateway, path, token=tokens["clerk"]), whole)
        spied = f"/v1/default/query/climate?where={urllib.parse.quote('price = 7')}"
        self.assertEqual(self.rows(gateway, spied, token=tokens["guest"]), [])
        self.assertEqual(self.fetch(gateway, "/v1/default/query/climate?order=price", token=tokens["guest"])[0], 403)

    def test_nobody_writes_without_a_grant(self):
        gateway, tokens = self.locked()
        rows = [{"key": "b", "value": {"temp": 2, "site": "Oslo"}}]
        self.assertEqual(self.fetch(gateway, "/v1/default/import/climate", body=b"{}")[0], 401)
        for role in ("guest", "nobody"):
            status, answer = self.bring(gateway, rows, token=tokens[role])
            self.assertEqual((status, answer["error"]), (403, "no grant to put anything in this app"))
        status, answer = self.bring(gateway, rows, "/v1/default/import/other", token=tokens["clerk"])
        self.assertEqual((status, answer["written"]), (422, 0))
        self.assertIn("no grant to put this in map other", answer["problems"][0])
        self.assertEqual(len(self.rows(gateway, "/v1/default/export/climate", token=tokens["clerk"])), 1)

    def test_metrics_are_for_who_may_look(self):
        gateway, tokens = self.locked()
        self.assertEqual(self.fetch(gateway, "/metrics")[0], 401)
        self.assertEqual(self.fetch(gateway, "/metrics", token=tokens["guest"])[0], 403)
        self.assertEqual(self.fetch(gateway, "/metrics", token=tokens["clerk"])[0], 200)
        self.assertEqual(self.fetch(gateway, "/readyz")[0], 200)


if __name__ == "__main__":
    harness.main()
