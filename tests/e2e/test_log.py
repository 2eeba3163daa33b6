# SPDX-License-Identifier: Apache-2.0
"""What a gateway's log tells of one op, from its link to the database, and what it never tells."""

import json
import signal

import harness

RULES = """
[log]
format = "json"
level = "%s"
[map.climate]
require = "temp < 100"
"""
SECRET = "only-for-the-database"


class Log(harness.GridTest):
    def opened(self, level):
        return self.server(arguments=("--config", self.file("gridd.toml", RULES % level)))

    @staticmethod
    def lines(gateway, message=None):
        said = [json.loads(line) for line in gateway.errors]
        return [line for line in said if message in (None, line["msg"])]

    def follow(self, gateway, message, condition):
        """The first line of this message for which the condition holds."""
        found = harness.wait_until(lambda: [one for one in self.lines(gateway, message) if condition(one)], message)
        return found[0]

    def test_one_op_is_followed_to_the_database(self):
        gateway = self.opened("debug")
        here = ("--target", gateway.url, "--store", self.path("store"))
        self.gridctl(*here, "put", "climate", "bench", json.dumps({"temp": 1, "note": SECRET}))
        op = self.follow(gateway, "op taken", lambda one: one["key"] == "bench")
        self.assertEqual((op["app"], op["map"], op["does"], op["status"]), ("default", "climate", "put", "ok"))
        self.assertGreater(op["position"], 0)
        self.follow(gateway, "link opened", lambda one: one["link"] == op["link"])
        self.follow(gateway, "journal on disk", lambda one: one["position"] >= op["position"])
        self.follow(gateway, "acknowledged", lambda one: one["link"] == op["link"] and one["durable"] >= op["seq"])
        self.follow(gateway, "database has it", lambda one: one["position"] >= op["position"])
        self.follow(gateway, "link closed", lambda one: one["link"] == op["link"])
        self.assertNotIn(SECRET, "".join(gateway.errors))

    def test_a_refused_op_is_told_with_its_reason(self):
        gateway = self.opened("debug")
        self.gridctl_fails(1, "--target", gateway.url, "put", "climate", "bench", json.dumps({"temp": 400}))
        op = self.follow(gateway, "op refused", lambda one: one["key"] == "bench")
        self.assertEqual((op["status"], op["position"]), ("invalid", 0))
        self.assertIn("temp < 100", op["why"])

    def test_ops_are_told_at_debug_only_and_a_reload_turns_it_on(self):
        gateway = self.opened("info")
        here = ("--target", gateway.url)
        self.gridctl(*here, "put", "climate", "before", '{"temp": 1}')
        self.file("gridd.toml", RULES % "debug")
        gateway.child.send_signal(signal.SIGHUP)
        self.follow(gateway, "configuration reloaded", lambda one: True)
        for number in range(30):
            self.gridctl(*here, "put", "climate", f"behind/{number}", '{"temp": 1}')
        self.follow(gateway, "op taken", lambda one: one["key"] == "behind/29")
        self.assertEqual([one["key"] for one in self.lines(gateway, "op taken")],
                         [f"behind/{number}" for number in range(30)])


if __name__ == "__main__":
    harness.main()
