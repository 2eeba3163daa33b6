# SPDX-License-Identifier: Apache-2.0
"""Who may do what on a gateway: two users and a gridd that keeps them apart."""
import pathlib
import secrets
import signal

import harness
import tokens
from harness import wait_until

ROLES = """
[auth.jwt]
keys = "{keys}"
[role.grower]
grants = [
  {{ map = "climate", actions = ["read", "put", "remove"], where = "owner = $user" }},
  {{ channel = "alarm/#", actions = ["subscribe", "publish"] }},
]
[role.keeper]
grants = [{{ map = "*", actions = ["read", "put", "remove"] }}, {{ actions = ["inspect"] }}]
[user.ann]
roles = ["{ann}"]
[user.bob]
roles = ["grower"]
[user.root]
roles = ["keeper"]
"""


class Roles(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.keys = self.folder / "keys"
        self.keys.mkdir()
        self.key = tokens.Secret(secrets.token_hex(32))
        key = self.keys / "k1.hs256"
        key.write_text(self.key.text + "\n", encoding="utf-8")
        key.chmod(0o600)
        pathlib.Path(self.path("data")).mkdir()
        self.config = self.configured("grower")
        self.gateway = harness.Process([harness.program("gridd"), "--config", self.config, "--data", self.path("data"),
                                        "--listen", "127.0.0.1:0"])
        self.url = self.gateway.first_line()
        self.addCleanup(lambda: self.gateway.child.poll() is None and self.gateway.stop(signal.SIGKILL))

    def configured(self, role_of_ann):
        return self.file("gridd.toml", ROLES.format(keys=self.keys, ann=role_of_ann))

    def as_user(self, user, code, *words):
        return self.gridctl_fails(code, "--target", self.url, *words,
                                  env={"GRID_TOKEN": tokens.token(self.key, "k1", user)})

    def store_of(self, user, *words):
        return self.gridctl("--target", self.url, "--store", self.path(user), *words,
                            env={"GRID_TOKEN": tokens.token(self.key, "k1", user)})

    def held_by(self, user):
        rows = self.gridctl("--store", self.path(user), "--offline", "ls", "climate").splitlines()
        return [harness.json.loads(row)["key"] for row in rows]

    def sync(self, user):
        self.store_of(user, "sync", "--map", "climate", "--where", "owner exists")

    def test_each_holds_and_changes_their_own_rows_alone(self):
        for key, owner in (("a", "ann"), ("b", "bob")):
            self.as_user("root", 0, "put", "climate", key, f'{{"owner": "{owner}"}}')
        for user in ("ann", "bob"):
            self.sync(user)
            self.assertEqual(self.held_by(user), [user[0]])
        refused = self.as_user("ann", 5, "put", "climate", "b", '{"owner": "ann"}')
        self.assertIn("no grant to put this in map climate", refused.err)
        self.as_user("ann", 5, "put", "climate", "a", '{"owner": "bob"}')
        self.as_user("ann", 0, "put", "climate", "c", '{"owner": "ann"}')
        self.as_user("root", 0, "put", "climate", "a", '{"owner": "bob"}')
        for user in ("ann", "bob"):
            self.sync(user)
        self.assertEqual(self.held_by("ann"), ["c"])
        self.assertEqual(self.held_by("bob"), ["a", "b"])

    def test_what_no_grant_says_is_denied(self):
        self.assertNotEqual(self.run_as("ann", "subs").code, 0)
        self.as_user("root", 0, "subs")
        self.assertEqual(self.run_as("ann", "put", "people", "x", "1").code, 5)
        self.assertNotEqual(self.run_as("eve", "put", "climate", "x", '{"owner": "eve"}').code, 0)

    # The refusal of a write comes behind it, and is the last sentence.
    def test_a_sync_of_what_no_grant_says_ends_at_once_whatever_else_is_refused(self):
        self.store_of("ann", "--offline", "put", "climate", "b", '{"owner": "bob"}')
        refused = self.run_as("ann", "--store", self.path("ann"), "sync", "--map", "people", "--timeout", "600s")
        self.assertEqual((refused.code, "no grant to read" in refused.err), (5, True), str(refused))

    def test_a_sync_of_what_no_grant_says_ends_at_once(self):
        refused = self.run_as("ann", "--store", self.path("other"), "sync", "--map", "people", "--timeout", "600s")
        self.assertEqual((refused.code, "no grant to read" in refused.err), (5, True), str(refused))

    def run_as(self, user, *words):
        return self.run_gridctl("--target", self.url, *words, env={"GRID_TOKEN": tokens.token(self.key, "k1", user)})

    def reloads(self):
        return sum("configuration reloaded" in line for line in self.gateway.errors)

    def test_a_reload_gives_and_takes_rows(self):
        for key, owner in (("a", "ann"), ("b", "bob")):
            self.as_user("root", 0, "put", "climate", key, f'{{"owner": "{owner}"}}')
        self.sync("ann")
        for role, rows in (("keeper", ["a", "b"]), ("grower", ["a"])):
            reloads = self.reloads()
            self.configured(role)
            self.gateway.child.send_signal(signal.SIGHUP)
            wait_until(lambda before=reloads: self.reloads() > before, "a reload")
            self.sync("ann")
            self.assertEqual(self.held_by("ann"), rows)

    def test_a_store_is_its_first_principals(self):
        self.as_user("root", 0, "put", "climate", "a", '{"owner": "ann"}')
        self.sync("ann")
        other = self.run_as("bob", "--store", self.path("ann"), "sync", "--map", "climate", "--where", "owner exists")
        self.assertNotEqual(other.code, 0)
        self.assertIn("another principal's", other.err)


if __name__ == "__main__":
    harness.main()
