# SPDX-License-Identifier: Apache-2.0
"""Where gridd takes its configuration from, and what signals make it do."""

import json
import os
import signal
import subprocess

import harness


class Config(harness.GridTest):
    @staticmethod
    def ended_gridd(*arguments, env=None):
        return subprocess.run([harness.program("gridd"), *arguments], capture_output=True, text=True, timeout=30,
                              env={**os.environ, **(env or {})})

    def configured(self, text, *arguments):
        """A gridd that goes by this file, which can be written anew."""
        return self.server(arguments=("--config", self.file("gridd.toml", text), *arguments))

    def said(self, gateway, words):
        harness.wait_until(lambda: any(words in line for line in gateway.errors), f"{words} in {gateway.errors}")

    def test_every_setting_is_shown_with_its_origin(self):
        path = self.file("gridd.toml", "[log]\nlevel = 'debug'\n[app.farm]\nlinks = 3\n")
        ended = self.ended_gridd("--show-config", "--config", path, "--set", "apps.window=16",
                                 env={"GRIDD_DATA": "/somewhere"})
        self.assertEqual(ended.returncode, 0, ended.stderr)
        for line in (f'log.level = "debug"  # {path}:2:9', "apps.window = 16  # --set apps.window",
                     'data = "/somewhere"  # environment GRIDD_DATA', 'log.format = "auto"  # built in',
                     f"app.farm.links = 3  # {path}:4:9"):
            self.assertIn(line, ended.stdout.splitlines())

    def test_a_wrong_configuration_is_refused_with_its_place(self):
        path = self.file("gridd.toml", "[log]\nlevl = 'debug'\n")
        ended = self.ended_gridd("--dev", "--check-config", "--config", path)
        self.assertEqual((ended.returncode, ended.stderr),
                         (2, f"gridd: {path}:2:1: unknown key log.levl; did you mean level?\n"))
        for arguments, sentence in ((("--set", "log.level"), "--set: log.level is not KEY=VALUE"),
                                    (("--set", "log.level=x"), "log.level is to be one of debug, info"),
                                    (("--config", "/nowhere"), "/nowhere: there is no such file"),
                                    (("--listen", "192.0.2.1:80"), "--dev listens on loopback only"),
                                    (("--retention", "30"), "--retention: retention is to be a time with its unit")):
            ended = self.ended_gridd("--dev", "--check-config", *arguments)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(sentence, ended.stderr)

    def test_the_reference_is_that_of_the_program(self):
        page = (harness.SOURCE / "docs" / "configuration.md").read_text()
        self.assertIn(self.ended_gridd("--list-settings").stdout, page)

    def test_a_reload_takes_new_rules_and_says_what_waits(self):
        gateway = self.configured("")
        here = ("--target", gateway.url, "--store", self.path("store"))
        self.gridctl(*here, "put", "climate", "s1", '{"temp": 400}')
        self.file("gridd.toml", "data = '/elsewhere'\n[map.climate]\nrequire = 'temp < 100'\n[apps]\nlinks = 5\n"
                                "[log]\nlevel = 'debug'\n")
        gateway.child.send_signal(signal.SIGHUP)
        self.said(gateway, "configuration reloaded")
        self.said(gateway, "apps.links stays 1024 until a restart makes it 5")
        self.gridctl_fails(1, *here, "put", "climate", "s1", '{"temp": 401}')
        self.gridctl(*here, "put", "climate", "s1", '{"temp": 40}')
        self.file("gridd.toml", "")
        gateway.child.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: sum("configuration reloaded" in line for line in gateway.errors) == 2, "a reload")
        self.gridctl(*here, "put", "climate", "s1", '{"temp": 402}')

    def told(self, gateway):
        lines = self.gridctl("server", "--data", self.path("gateway"), "config", "-o", "ndjson").splitlines()
        return {one["key"]: one for one in map(json.loads, lines)}

    def test_a_running_gateway_tells_what_it_goes_by(self):
        gateway = self.configured("[log]\nlevel = 'warning'\n[app.farm]\nlinks = 3\nsink.url = 'postgres://u:pw@h/d'\n")
        told = self.told(gateway)
        self.assertEqual((told["log.level"]["value"], told["log.level"]["waits"]), ("warning", None))
        self.assertTrue(told["log.level"]["origin"].endswith("gridd.toml:2:9"))
        self.assertEqual(told["app.farm.links"]["value"], 3)
        self.assertEqual(told["listen"]["origin"], "--listen")
        self.assertNotIn("pw", json.dumps(told))
        self.file("gridd.toml", "[log]\nlevel = 'info'\n[apps]\nlinks = 9\n")
        gateway.child.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.told(gateway)["log.level"]["value"] == "info", "a reload")
        told = self.told(gateway)
        self.assertEqual((told["apps.links"]["value"], told["apps.links"]["waits"]), (1024, 9))
        self.assertEqual((told["app.farm.links"]["value"], told["app.farm.links"]["waits"]), (3, 9))
        gateway.stop()
        refused = self.gridctl_fails(6, "server", "--data", self.path("gateway"), "config")
        self.assertIn("gridd --show-config", refused.err)

    def test_a_reload_that_is_wrong_changes_nothing(self):
        gateway = self.configured("[map.climate]\nrequire = 'temp < 100'\n")
        path = self.file("gridd.toml", "[map.climate]\nrequre = 'temp < 10'\n")
        gateway.child.send_signal(signal.SIGHUP)
        self.said(gateway, f"{path}:2:1: unknown rule requre; did you mean require?")
        here = ("--target", gateway.url, "--store", self.path("store"))
        self.gridctl(*here, "put", "climate", "s1", '{"temp": 40}')
        self.gridctl_fails(1, *here, "put", "climate", "s1", '{"temp": 400}')

    def test_a_gateway_that_drains_ends_its_links_and_then_itself(self):
        gateway = self.configured("drain_spread = '200ms'\n")
        here = ("--target", gateway.url, "--store", self.path("store"))
        self.gridctl(*here, "put", "climate", "s1", "1")
        watch = self.start(*here, "watch", "climate")
        watch.first_line()
        gateway.child.send_signal(signal.SIGUSR2)
        self.assertEqual(gateway.ended(), 0)
        self.assertTrue(any("draining" in line for line in gateway.errors))
        rows = subprocess.run(["sqlite3", f"{self.path('gateway')}/apps/default/cells.sqlite",
                               "select count(*) from cell"], capture_output=True, text=True, timeout=30)
        self.assertEqual(rows.stdout, "1\n")

    def test_the_log_is_json_where_that_is_wanted(self):
        gateway = self.configured("[log]\nformat = 'json'\n")
        gateway.stop()
        self.assertEqual(json.loads(gateway.errors[0])["level"], "warning")


if __name__ == "__main__":
    harness.main()
