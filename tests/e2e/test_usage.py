# SPDX-License-Identifier: Apache-2.0
"""What gridctl is told wrongly: exit code 2 and the rule that was broken. And what it says of itself."""
import harness


class Usage(harness.GridTest):
    def refused(self, *arguments, **options):
        return self.gridctl_fails(2, *arguments, **options).err

    def test_no_verb_an_unknown_verb_and_an_unknown_option(self):
        self.refused()
        self.refused("frobnicate")
        self.assertIn("--frob", self.refused("ls", "m", "--frob"))
        self.refused("get", "m")
        self.refused("get", "m", "k", "more")
        self.assertIn("xml", self.refused("ls", "m", "-o", "xml"))

    def test_help_and_version_go_to_stdout(self):
        for arguments in (("--help",), ("put", "--help"), ("--version",)):
            outcome = self.gridctl_fails(0, *arguments)
            self.assertIn("gridctl" if arguments[0] != "put" else "JSON", outcome.out)
            self.assertEqual(outcome.err, "")

    def test_a_map_has_a_rule_for_its_name(self):
        for name, rule in (("", "empty"), ("a/b", "letters"), ("ä", "letters"), ("m" * 65, "64")):
            for verb in (("put", name, "k", "1"), ("get", name, "k"), ("rm", name, "k"), ("ls", name), ("export", name),
                         ("watch", name), ("import", name, "-"), ("sync", "--map", name)):
                with self.subTest(verb=verb):
                    self.assertIn(rule, self.refused(*verb))

    def test_a_key_has_a_rule(self):
        for key, rule in (("", "empty"), ("a\nb", "control"), ("k" * 257, "256")):
            for verb in (("put", "m", key, "1"), ("get", "m", key), ("rm", "m", key)):
                with self.subTest(verb=verb):
                    self.assertIn(rule, self.refused("--offline", *verb))
        self.gridctl("--offline", "put", "m" * 64, "k" * 256, "1")
        self.assertEqual(self.gridctl("--offline", "get", "m" * 64, "k" * 256), "1\n")

    def test_bad_json_is_refused_with_its_column(self):
        for json, column in (("{", 2), ("{\"a\":1,}", 8), ("tru", None), ("", 1), ("1 2", 3), ("nul", None),
                             ("{a:1}", 2), ("[1,]", 4)):
            with self.subTest(json=json):
                said = self.refused("--offline", "put", "m", "k", json)
                self.assertRegex(said, rf"column {column or '[0-9]+'}\b")
        self.gridctl_fails(3, "--offline", "get", "m", "k")

    def test_values_that_no_replica_takes(self):
        self.assertIn("8", self.refused("--offline", "put", "m", "k", "[" * 9 + "]" * 9))
        self.assertIn("1048576", self.refused("--offline", "put", "m", "k", "-", stdin='"' + "x" * 1_048_577 + '"'))
        self.refused("--offline", "put", "m", "k", '{"$bytes":"not base64!"}')
        self.refused("--offline", "put", "m", "k", '{"a":1,"a":2}')
        self.refused("--offline", "put", "m", "k", "1e999")

    def test_the_largest_value_that_fits_is_kept(self):
        text = '"' + "x" * 1_048_000 + '"'
        self.gridctl("--offline", "put", "m", "k", "-", stdin=text)
        self.assertEqual(self.gridctl("--offline", "get", "m", "k"), text + "\n")

    def test_contexts_that_make_no_sense(self):
        self.refused("--target", "ws://127.0.0.1:1", "--offline", "get", "m", "k")
        self.refused("--offline", "sync")
        self.refused("--target", "ws://127.0.0.1:1", "sync")
        self.assertIn("app", self.refused("--app", "a/b", "--offline", "ls", "m"))
        self.refused("--app", "..", "--offline", "ls", "m")

    def test_targets_that_are_no_address(self):
        for target in ("127.0.0.1:7271", "http://x", "ws://", "ws://host:99999", "tcp:/dev/ttyUSB0"):
            with self.subTest(target=target):
                self.assertIn(target, self.refused("--target", target, "get", "m", "k"))

    def test_durations(self):
        self.refused("watch", "m", "--for", "soon")
        self.refused("watch", "m", "--for", "-1s")
        self.refused("sync", "--timeout", "1w")
        self.refused("watch", "m", "--count", "many")

    def test_a_full_disk_at_stdout_is_told(self):
        self.gridctl("--offline", "put", "m", "k", "1")
        import subprocess
        with open("/dev/full", "wb") as full:
            done = subprocess.run([harness.program("gridctl"), "--offline", "get", "m", "k"], stdout=full,
                                  stderr=subprocess.PIPE, env={**harness.os.environ, **self.env}, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"gridctl: cannot write to stdout", done.stderr)


if __name__ == "__main__":
    harness.main()
