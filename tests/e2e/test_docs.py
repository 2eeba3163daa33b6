# SPDX-License-Identifier: Apache-2.0
"""Runs what the documentation shows. README.md and docs/*.md are read for blocks that begin with ```sh run.

In such a block a line that begins with `$ ` is a command (`> ` continues it), and the lines behind it are what it has
to print, on stdout and stderr together. In a line, `...` stands for anything; alone on a line, for any lines. The
blocks of a page run in one folder, in order. A command that ends with `&` runs on until the page ends; the next one
begins when it has printed its first line. The page's default gateway, port 7271, is moved to a port that is free here.
The flash image of tests/golden lies there as chip.bin, and examples/huts where it is in a clone.
A block without `$ ` is a script. ```sh run eventually is run again until it prints what is shown.
"""
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess

import harness

SOURCE = pathlib.Path(os.environ.get("GRID_SOURCE", pathlib.Path(__file__).parents[2]))
ALL_RUN = {"gridctl.md"}  # Pages whose every shell block is run.
FENCE = re.compile(r"^```(\S*)[ \t]*(.*)$")

# gridctl with its default context moved to the page's gateway and folder.
SHIM = """#!/bin/bash
context=()
case " $* " in
  *' --target'*) ;;
  *' pub '*|*' sub '*|*' room '*|*' search '*) context=(--target "ws://127.0.0.1:$PAGE_PORT") ;;
  *' --store'*) context=(--target "ws://127.0.0.1:$PAGE_PORT") ;;
  *) [[ " $* " =~ ' --app '([^ ]+) ]]
     context=(--target "ws://127.0.0.1:$PAGE_PORT" --store "$XDG_DATA_HOME/grid/${BASH_REMATCH[1]:-default}")
     mkdir -p "$XDG_DATA_HOME/grid" ;;
esac
exec "$GRID_BIN/gridctl" "${context[@]}" "$@"
"""


def blocks(page):
    """(line number, language, words behind it, lines) of each fenced block."""
    found, opened = [], None
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened = (number, fence.group(1), fence.group(2).split(), [])
        elif opened is not None and line.rstrip() == "```":
            found.append(opened)
            opened = None
        elif opened is not None:
            opened[3].append(line)
    return found


def steps(lines):
    """(command, expected lines) of a block."""
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.startswith("> ") and found and not found[-1][1]:
            found[-1] = (found[-1][0] + "\n" + line[2:], [])
        elif found:
            found[-1][1].append(line)
    return found or [("set -e\n" + "\n".join(lines), ["..."])]


def matches(expected, printed):
    """Whether the printed lines are as expected, with `...` for what is left open."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += r"[^\n]*".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


class Page:
    """One page being run in its folder."""

    def __init__(self, test, path):
        self.test, self.path = test, path
        self.folder = test.folder / path.stem
        programs = test.folder / "bin"
        for folder in (self.folder, programs):
            folder.mkdir(parents=True)
        (self.folder / "chip.bin").write_bytes(harness.golden_image())
        shutil.copytree(SOURCE / "examples/huts", self.folder / "examples/huts")
        (programs / "gridctl").write_text(SHIM)
        (programs / "gridctl").chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = str(probe.getsockname()[1])
        binaries = str(pathlib.Path(os.environ["GRID_BIN"]).resolve())
        self.env = {**os.environ, **test.env, "PAGE_PORT": self.port, "GRID_BIN": binaries, "HOME": str(self.folder),
                    "PATH": f"{programs}:{binaries}:{os.environ['PATH']}"}

    def localized(self, command):
        command = re.sub(r"\bgridd --dev(?! --listen)", "gridd --dev --listen 127.0.0.1:7271", command)
        return command.replace("7271", self.port)

    def start(self, command):
        process = harness.Process(["bash", "-c", f"cd {shlex.quote(str(self.folder))} && exec " + command], self.env)
        self.test.addCleanup(process.stop)
        return [process.first_line()]

    def run(self, command):
        # Into a file: a pipe would wait for what a script leaves running.
        with open(self.test.folder / "printed", "w+", encoding="utf-8") as printed:
            done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.env, check=False,
                                  stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT,
                                  timeout=harness.DEADLINE_SECONDS)
            printed.seek(0)
            return printed.read().splitlines(), done.returncode

    def step(self, number, command, expected, eventually):
        if eventually:
            harness.wait_until(lambda: matches(expected, self.run(self.localized(command))[0]), command)
        if command.rstrip().endswith("&"):
            printed, code = self.start(self.localized(command.rstrip()[:-1])), 0
        else:
            printed, code = self.run(self.localized(command))
        printed = [line.replace(self.port, "7271") for line in printed]
        place = f"{self.path.name}, block at line {number}: {command}"
        self.test.assertTrue(matches(expected, printed), f"{place}\nprinted {printed}\nnot     {expected}")
        self.test.assertTrue(code == 0 or command.startswith("gridctl"), f"{place}\nexit {code}, printed {printed}")

    def walk(self):
        for number, language, words, lines in blocks(self.path):
            if language != "sh":
                continue
            if "run" not in words:
                self.test.assertNotIn(self.path.name, ALL_RUN, f"line {number}: every block of this page must be run")
                continue
            for command, expected in steps(lines):
                self.step(number, command, expected, "eventually" in words)


class Docs(harness.GridTest):
    def test_the_matcher_tells_right_from_wrong(self):
        self.assertTrue(matches(["a ... c", "..."], ["a b c", "d", "e"]))
        self.assertTrue(matches(["...", "z"], ["z"]))
        self.assertFalse(matches(["a ... c"], ["a b d"]))
        self.assertFalse(matches([], ["a"]))
        self.assertFalse(matches(["a"], []))


def add_page(path):
    def test(self):
        for name in ("gridctl", "gridd"):
            harness.program(name)
        Page(self, path).walk()

    setattr(Docs, f"test_{path.stem.lower()}_does_what_it_shows", test)


for found_page in [SOURCE / "README.md", *sorted((SOURCE / "docs").glob("*.md"))]:
    if found_page.exists() and "```sh run" in found_page.read_text():
        add_page(found_page)

if __name__ == "__main__":
    harness.main()
