# SPDX-License-Identifier: Apache-2.0
"""The example in C as it stands: alone, and with a gateway."""
import os
import subprocess

import harness

PRINTED = """apple, 12.5 kg
north/2 is gone
plum, 3 kg
kind is text, and is read as number
row north/1 {"kilos":12.5,"kind":"apple","ripe":true}
row south/1 {"kilos":3,"kind":"plum"}
from o to t south/1 {"kilos":3,"kind":"plum"}
light south/1 {"kilos":3,"kind":"plum"}
tag north/1 "old"
picked 40
JSON, line 1, column 9: ...
changed south/1 {"kilos":3,"kind":"plum"}
"""
SEARCHED = ["the gateway has it all", 'found north/1 {"kind":["","apple",""]}', "column 1: this quote is never closed"]


class Orchard(harness.GridTest):
    def orchard(self, folder, *arguments):
        os.mkdir(folder)
        done = subprocess.run([harness.program("orchard"), *arguments], cwd=folder, capture_output=True, text=True,
                              timeout=harness.DEADLINE_SECONDS, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def check(self, printed, expected):
        self.assertEqual(len(printed), len(expected), printed)
        for line, pattern in zip(printed, expected):
            self.assertTrue(line.startswith(pattern[:-3]) if pattern.endswith("...") else line == pattern, line)

    def test_it_works_without_a_gateway(self):
        self.check(self.orchard(self.path("alone")), PRINTED.splitlines())

    def test_a_gateway_gets_what_it_wrote(self):
        server = self.server(arguments=("--search", "trees:kind"))
        self.check(self.orchard(self.path("linked"), server.url), PRINTED.splitlines() + SEARCHED)
        rows = self.gridctl("--app", "orchard", "--target", server.url, "-o", "ndjson", "ls", "trees")
        self.assertEqual(len(rows.splitlines()), 2)


if __name__ == "__main__":
    harness.main()
