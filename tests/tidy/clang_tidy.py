#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy 14 over the shipped translation units of a build tree, or over those under the folders named.

    clang_tidy.py TREE [FOLDER ...]

A unit that passed isn't looked at again until it, a project header that it sees, or .clang-tidy changes.
GRID_TIDY_PART=K/N takes the K-th of N parts: a test run has time for one, which changes with the commit.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import zlib

CLANG_TIDY = "clang-tidy-14"
ROOT = pathlib.Path(__file__).resolve().parents[2]
# Our flags are gcc's, some unknown to clang; and what gcc accepts without a warning is for gcc to judge.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--extra-arg=-Wno-error"]


def units(tree, folders):
    """Sources of the tree's compile database that are shipped, and lie under one of the folders."""
    database = json.loads((tree / "compile_commands.json").read_text())
    paths = {os.path.relpath(entry["file"], ROOT) for entry in database}
    build = os.path.relpath(tree, ROOT) + "/"
    paths = {path for path in paths if not path.startswith((build, "tests/", "../"))}
    part, parts = map(int, os.environ.get("GRID_TIDY_PART", "0/1").split("/"))
    paths = {path for path in paths if zlib.crc32(path.encode()) % parts == part}
    return sorted(path for path in paths if not folders or any(path.startswith(f"{folder}/") for folder in folders))


def seen_by(path, seen):
    """`path` and the project headers that it includes, one through another."""
    if path not in seen and (ROOT / path).is_file():
        seen.add(path)
        for header in re.findall(r'^#include "([^"]+)"', (ROOT / path).read_text(), re.MULTILINE):
            seen_by(header, seen)
    return seen


def digest_of(path):
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes() + " ".join(EXTRA).encode())
    for name in sorted(seen_by(path, set())):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def check(tree, passed, path):
    """What clang-tidy has to say of one unit; nothing if it is clean."""
    stamp = passed / digest_of(path)
    if stamp.exists():
        return ""
    command = [CLANG_TIDY, "-p", str(tree), "--quiet", *EXTRA, path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        stamp.touch()
        return ""
    return done.stdout.replace(f"{ROOT}/", "") or done.stderr


def complaints_in(text):
    """Each complaint, with the lines that show it but without the notes on it."""
    parts = re.split(r"^(?=\S+:\d+:\d+: (?:error|warning|note): )", text, flags=re.MULTILINE)
    return [part.strip() for part in parts if part.strip() and ": note: " not in part.split("\n", 1)[0]]


def main():
    tree = pathlib.Path(sys.argv[1]).resolve()
    passed = tree / "clang-tidy-passed"
    passed.mkdir(exist_ok=True)
    paths = units(tree, sys.argv[2:])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = "\n".join(pool.map(lambda path: check(tree, passed, path), paths))
    complaints = dict.fromkeys(complaints_in(said))  # A header's come once for each unit that sees it.
    print(*complaints, f"{len(paths)} units, {len(complaints)} complaints; rules: .clang-tidy", sep="\n")
    return 1 if complaints or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
