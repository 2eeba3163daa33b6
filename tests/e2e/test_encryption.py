# SPDX-License-Identifier: Apache-2.0
"""Encrypted stores and journals: what a thief of the disk finds, wrong keys, and the way from one key to another."""
import json
import os
import secrets
import signal

import harness


class Encryption(harness.GridTest):
    def key(self, name, mode=0o600):
        path = self.file(name, secrets.token_hex(32) + "\n")
        os.chmod(path, mode)
        return path

    def bytes_of(self, *folders):
        files = (path for folder in folders for path in self.folder.glob(folder) if path.is_file())
        return b"".join(path.read_bytes() for path in sorted(files))

    # ENC-1
    def test_a_store_says_nothing_without_its_key(self):
        key, store = self.key("key"), self.path("store")
        offline = ("--store", store, "--offline")
        self.gridctl(*offline, "--key-file", key, "put", "fridges", "insulin-drawer", '{"nurse": "Grete", "temp": 4.5}')
        self.assertEqual(json.loads(self.gridctl(*offline, "--key-file", key, "get", "fridges", "insulin-drawer")),
                         {"nurse": "Grete", "temp": 4.5})
        disk = self.bytes_of("store/*")
        self.assertIn(b"encryption", disk)
        for secret in (b"fridges", b"insulin", b"nurse", b"Grete", b"default"):
            self.assertNotIn(secret, disk)

        before = self.bytes_of("store/data.mdb")
        outcome = self.gridctl_fails(1, *offline, "get", "fridges", "insulin-drawer")
        self.assertIn("is encrypted, and no key file was given", outcome.err)
        outcome = self.gridctl_fails(1, *offline, "--key-file", self.key("other"), "put", "fridges", "x", "1")
        self.assertIn("the key is not this store's; nothing was changed", outcome.err)
        self.assertIn(store, outcome.err)
        self.assertEqual(self.bytes_of("store/data.mdb"), before)
        self.assertIn("insulin-drawer", self.gridctl(*offline, "--key-file", key, "ls", "fridges"))

    def test_a_plain_store_is_not_taken_for_an_encrypted_one(self):
        offline = ("--store", self.path("store"), "--offline")
        self.gridctl(*offline, "put", "m", "k", "1")
        outcome = self.gridctl_fails(1, *offline, "--key-file", self.key("key"), "get", "m", "k")
        self.assertIn("not encrypted", outcome.err)
        self.assertEqual(self.gridctl(*offline, "get", "m", "k").strip(), "1")

    def test_a_key_that_everybody_can_read_is_refused(self):
        offline = ("--store", self.path("store"), "--offline")
        outcome = self.gridctl_fails(1, *offline, "--key-file", self.key("key", 0o644), "put", "m", "k", "1")
        self.assertIn("chmod 600", outcome.err)
        outcome = self.gridctl_fails(1, *offline, "--key-file", self.path("none"), "ls", "m")
        self.assertIn(self.path("none"), outcome.err)
        outcome = self.gridctl_fails(1, *offline, "--old-key-file", self.key("key"), "ls", "m")
        self.assertIn("an old key file goes with a new one", outcome.err)
        self.assertFalse(os.path.exists(self.path("store")))

    def test_a_credential_of_systemd_is_a_key(self):
        os.mkdir(self.path("credentials"))
        self.key("credentials/grid")
        env = {**os.environ, "CREDENTIALS_DIRECTORY": self.path("credentials")}
        offline = ("--store", self.path("store"), "--offline", "--key-file", "credential:grid")
        self.gridctl(*offline, "put", "m", "k", "1", env=env)
        self.assertEqual(self.gridctl(*offline, "get", "m", "k", env=env).strip(), "1")

    # ENC-1, ACK-1
    def test_a_gateway_keeps_an_encrypted_journal_through_a_crash_and_to_another_key(self):
        old, new = self.key("old"), self.key("new")
        store = ("--store", self.path("device"))
        gateway = self.server(arguments=("--key-file", old))
        self.gridctl(*store, "--target", gateway.url, "import", "readings", self.numbers(500))
        self.gridctl(*store, "--target", gateway.url, "sync")
        gateway.stop(signal.SIGKILL)
        journal = self.bytes_of("gateway/apps/*/journal/*")
        for secret in (b"readings", b"epoch/", b"peer/"):
            self.assertNotIn(secret, journal)
        self.assertIn("the databases (cells.sqlite) are not", "".join(gateway.errors))

        for arguments, sentence in (((), "no key file was given"), (("--key-file", new), "not this store's")):
            refused = harness.Process([harness.program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data",
                                       self.path("gateway"), *arguments])
            self.assertEqual(refused.ended(), 1)
            self.assertIn(sentence, "".join(refused.errors))

        gateway = self.server(arguments=("--key-file", new, "--old-key-file", old))
        self.assertEqual(len(self.gridctl("--target", gateway.url, "ls", "readings").splitlines()), 500)
        self.gridctl("--target", gateway.url, "put", "readings", "another", "1")
        self.assertEqual(gateway.stop(), 0, gateway.errors)
        configured = self.file("gridd.toml", f"[encryption]\nkey_file = '{new}'\n")
        gateway = self.server(arguments=("--config", configured))
        self.assertEqual(len(self.gridctl("--target", gateway.url, "ls", "readings").splitlines()), 501)
        self.assertEqual(gateway.stop(), 0, gateway.errors)


if __name__ == "__main__":
    harness.main()
