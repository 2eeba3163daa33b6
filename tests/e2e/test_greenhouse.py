# SPDX-License-Identifier: Apache-2.0
"""The example program as it stands: works without a server, ends on SIGTERM, and keeps what it wrote."""
import os
import pty
import signal
import subprocess

import harness


class Greenhouse(harness.GridTest):
    def run_until_it_reports(self, folder):
        """Runs the program until its watch has called back, then asks it to end; returns what it printed."""
        ours, its = pty.openpty()  # On a terminal, lines come as they are printed.
        child = subprocess.Popen([harness.program("greenhouse")], cwd=folder, stdin=subprocess.DEVNULL, stdout=its,
                                 stderr=subprocess.PIPE, text=True)
        os.close(its)
        self.addCleanup(child.kill)
        text = b""
        while b"bench/3 21.5" not in text:
            text += os.read(ours, 4096)
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=harness.DEADLINE_SECONDS)
        os.close(ours)
        self.assertEqual((child.returncode, err), (0, ""))
        return text.decode()

    def test_it_runs_without_a_server_and_keeps_its_reading(self):
        folder = self.path("somewhere")
        os.mkdir(folder)
        self.run_until_it_reports(folder)
        store = os.path.join(folder, "greenhouse")
        row = self.gridctl("--app", "farm", "--store", store, "--offline", "get", "climate", "bench/3")
        self.assertEqual(row.strip(), '{"fan":true,"temp":21.5}')
        self.run_until_it_reports(folder)  # And once more, on what is there.


if __name__ == "__main__":
    harness.main()
