# SPDX-License-Identifier: Apache-2.0
"""What tests of packages share: making them, and unpacking them into folders that go away."""
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["GRID_SOURCE"])
TREE = pathlib.Path(os.environ["GRID_TREE"])
NAMES = ("gridd", "gridd-postgres", "gridctl", "libgrid0", "libgrid-dev")


def run(*command, **options):
    """What it prints; a command that fails fails the test."""
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n  exit {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def tool(name):
    """A program that is not ours; the test is skipped where it is missing."""
    if shutil.which(name) is None:
        raise unittest.SkipTest(f"there is no {name} here; ./dev setup installs it")
    return name


def make(tree, folder):
    """Packs what lies built in `tree`: {name of the package: its file}."""
    tool("cpack"), tool("dpkg-shlibdeps"), tool("file")
    shutil.rmtree(folder, ignore_errors=True)
    sysroot = SOURCE / "build/sysroot/arm64/var/lib/dpkg"
    of_sysroot = {"DPKG_ADMINDIR": str(sysroot)} if "aarch64" in (tree / "CMakeCache.txt").read_text() else {}
    run("cpack", "--config", tree / "CPackConfig.cmake", "-B", folder, cwd=tree,
        env={**os.environ, **of_sysroot, "SOURCE_DATE_EPOCH": commit_time()})
    return {file.name.split("_")[0]: file for file in sorted(folder.glob("*.deb"))}


@functools.cache
def commit_time():
    """The time that is in packages: that of the commit."""
    said = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(SOURCE), "log", "-1", "--format=%ct"],
                          capture_output=True, text=True, check=False).stdout.strip()
    return said or "1700000000"


def unpack(files, folder):
    for file in files:
        run("dpkg-deb", "-x", file, folder)
    return folder


def field(file, name):
    return run("dpkg-deb", "-f", file, name).strip()


class PackageTest(unittest.TestCase):
    maxDiff = None

    def temporary(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="grid-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder
