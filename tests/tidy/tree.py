# SPDX-License-Identifier: Apache-2.0
"""The project's files: what git tracks or would track, or without git whatever lies there."""
import os
import pathlib
import subprocess

from source import Source

_NOT_OURS = {".git", "build", "grid-data", "__pycache__"}


def list_files(root):
    """Paths from `root`, with slashes, sorted."""
    command = ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = list(_walk(root))
    return sorted(path for path in set(listed) if path and (root / path).is_file())


def _walk(root):
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_OURS]
        for file in files:
            yield (pathlib.Path(folder) / file).relative_to(root).as_posix()


def is_source(path):
    name = path.rsplit("/", 1)[-1]
    return name.endswith((".cc", ".h", ".py", ".sh", ".cmake", ".proto")) or name == "CMakeLists.txt" or path in (
        "dev", ".ci/run")


class Tree:
    """`sources` and `documents` by path."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.files = list_files(self.root)
        self.sources = {path: Source(path, self._read(path)) for path in self.files if is_source(path)}
        self.documents = {path: self._read(path) for path in self.files if path.endswith(".md")}

    def _read(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def cpp(self):
        return [source for source in self.sources.values() if source.is_cpp]

    def exists(self, path):
        return (self.root / path).exists()
