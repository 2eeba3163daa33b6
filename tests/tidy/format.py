#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Formats the project's C++ sources with clang-format 14; with --check only names those that are not formatted."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

from tree import list_files

CLANG_FORMAT = "clang-format-14"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def is_formatted(path):
    command = [CLANG_FORMAT, "--dry-run", "--Werror", path]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0


def main():
    paths = [path for path in list_files(ROOT) if path.endswith((".cc", ".h"))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        unformatted = [path for path, good in zip(paths, pool.map(is_formatted, paths)) if not good]
    if "--check" not in sys.argv[1:]:
        for path in unformatted:
            subprocess.run([CLANG_FORMAT, "-i", path], cwd=ROOT, check=True)
            print(f"formatted {path}")
        return 0
    for path in unformatted:
        print(f"{path}: not as clang-format 14 would have it\n    cure: ./dev fmt")
    return 1 if unformatted else 0


if __name__ == "__main__":
    sys.exit(main())
