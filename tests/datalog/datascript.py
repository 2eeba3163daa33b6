# SPDX-License-Identifier: Apache-2.0
"""The npm package `datascript`, as package-lock.json pins it: where it lies, fetched when it is missing."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ("package.json", "package-lock.json")


def node_version():
    """The major version of Node.js, or 0 where there is none."""
    node = shutil.which("node")
    if node is None:
        return 0
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.strip().lstrip("v").split(".")[0])


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def install(folder):
    """The package's folder, below `folder` (build/node). SystemExit with a sentence when it can't be had."""
    if node_version() < 18:
        sys.exit("datascript needs Node.js 18 or later; ./dev setup installs it")
    package = os.path.join(folder, "node_modules", "datascript")
    is_there = os.path.isdir(package) and all(
        os.path.exists(os.path.join(folder, name)) and _read(os.path.join(folder, name)) == _read(
            os.path.join(HERE, name)) for name in FILES)
    if is_there:
        return package
    if shutil.which("npm") is None:
        sys.exit("npm is missing; ./dev setup installs it")
    os.makedirs(folder, exist_ok=True)
    for name in FILES:
        shutil.copyfile(os.path.join(HERE, name), os.path.join(folder, name))
    said = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                          capture_output=True, text=True, check=False)
    if said.returncode != 0:
        sys.exit(f"npm could not install datascript: {said.stderr.strip()[-300:]}")
    return package


if __name__ == "__main__":
    print(install(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "..", "build", "node")))
