# SPDX-License-Identifier: Apache-2.0
"""The program behind `./dev run`: its story ends well, on a terminal and off it, and leaves nothing behind."""
import os
import pathlib
import signal
import subprocess

import harness


def processes_of(parent):
    """The process ids whose parent is `parent`."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(path.parent.name))
    return found


def is_alive(pid):
    """Whether it runs; one that only waits to be taken note of does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def name_of(pid):
    """What it runs."""
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


class Demo(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.env["TMPDIR"] = str(self.folder)

    def test_a_show_with_an_end_converges_and_loses_nothing(self):
        done = subprocess.run([harness.program("grid_demo"), "--for", "8s"], capture_output=True, text=True,
                              timeout=harness.DEADLINE_SECONDS, env={**os.environ, **self.env}, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for words in ("device B is cut off", "the link returns", "caught up", "converged: all", " 0 lost, 0 wrong"):
            self.assertIn(words, done.stdout)
        self.assertEqual(list(self.folder.iterdir()), [], "it left files behind")

    def show(self):
        """A show without an end, off the terminal, whose children run; and their process ids."""
        show = harness.Process([harness.program("grid_demo")], self.env)
        self.addCleanup(lambda: show.child.poll() is None and show.stop(signal.SIGKILL))
        harness.wait_until(lambda: any("gridctl --target ws://" in line for line in show.lines), "what one can try")
        return show, processes_of(show.child.pid)

    def test_what_it_suggests_works(self):
        show, _ = self.show()
        harness.wait_until(lambda: any("oplog" in line for line in show.lines), "how to look into a device")
        suggested = [line.split(" --target ")[1].split() for line in show.lines if "/gridctl --target " in line]
        looks = [words for words in suggested if words[0].startswith("unix:")]
        self.assertEqual([words[1] for words in looks], ["status", "oplog"])
        for words in looks:
            harness.wait_until(lambda words=words: self.run_gridctl("--target", *words).code == 0, " ".join(words))
        self.assertEqual(show.stop(signal.SIGTERM), 0)

    def test_a_killed_show_leaves_no_process_behind(self):
        show, helpers = self.show()
        self.assertEqual(len(helpers), 3, "a gateway and two devices")
        show.stop(signal.SIGKILL)
        for pid in helpers:
            harness.wait_until(lambda pid=pid: not is_alive(pid), "the end of a child")

    def test_a_gateway_that_dies_ends_the_show_with_a_sentence(self):
        show, helpers = self.show()
        os.kill(next(pid for pid in helpers if name_of(pid) == "gridd"), signal.SIGKILL)
        self.assertEqual(show.ended(), 1)
        self.assertEqual(show.errors, ["demo: the gateway ended by itself: killed by signal 9"])
        self.assertEqual(list(self.folder.iterdir()), [], "it left files behind")

    def test_a_bad_duration_is_a_usage_error(self):
        for words in (["--for"], ["--for", "soon"], ["--for", "1s"], ["--fro", "8s"]):
            done = subprocess.run([harness.program("grid_demo"), *words], capture_output=True, text=True,
                                  timeout=harness.DEADLINE_SECONDS, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("usage: grid_demo", done.stderr)

    def test_on_a_terminal_there_is_one_live_screen_until_ctrl_c(self):
        screen, terminal = os.openpty()
        child = subprocess.Popen([harness.program("grid_demo")], stdin=terminal, stdout=terminal, stderr=terminal,
                                 env={**os.environ, **self.env})
        os.close(terminal)
        seen = b""
        while b"device B" not in seen or b"realtime" not in seen or b"gridctl --target ws://" not in seen:
            seen += os.read(screen, 65536)
        helpers = processes_of(child.pid)
        self.assertEqual(len(helpers), 3, "a gateway and two devices")
        child.send_signal(signal.SIGINT)
        try:
            while chunk := os.read(screen, 65536):
                seen += chunk
        except OSError:  # How a terminal ends.
            pass
        os.close(screen)
        self.assertEqual(child.wait(harness.DEADLINE_SECONDS), 0, seen[-2000:])
        self.assertIn(b"\x1b[?1049h", seen)
        self.assertIn(b"\x1b[?1049l", seen, "the terminal was not given back")
        for pid in helpers:
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists(), "a process was left behind")


if __name__ == "__main__":
    harness.main()
