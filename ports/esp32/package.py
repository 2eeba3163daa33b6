#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the archive that is Grid's component for ESP-IDF: what component.cmake names, the headers that it sees, and
what ESP-IDF does not have: nanopb's sources, and what protoc generates.

usage: package.py ROOT NANOPB OUT
NANOPB is a folder of nanopb's sources. The archive is OUT/grid-VERSION.tar.gz; the same tree gives the same bytes.
"""
import gzip
import io
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

NANOPB = ("pb.h", "pb_common.c", "pb_common.h", "pb_decode.c", "pb_decode.h", "pb_encode.c", "pb_encode.h",
          "LICENSE.txt")
FILES = ("CMakeLists.txt", "idf_component.yml", "Kconfig", "LICENSE", "CHANGELOG.md", "docs/PORTING.md")
FOLDERS = ("ports/esp32",)
# Headers that applications include by <grid/...>, which no source has to.
PUBLIC = ("runtime/grid/grid.h", "ports/chip/grid/chip.h")


def version(root):
    return re.search(r'^version: "([^"]+)"', (root / "idf_component.yml").read_text(), re.MULTILINE)[1]


def named_sources(root):
    text = (root / "ports/esp32/component.cmake").read_text()
    return re.search(r"set\(GRID_SOURCES([^)]*)\)", text)[1].split()


def seen_by(root, path, seen):
    """`path` and the project's headers that it includes, one through another."""
    if path in seen or not (root / path).is_file():
        return
    seen.add(path)
    for header in re.findall(r'^#include "([^"]+)"', (root / path).read_text(), re.MULTILINE):
        seen_by(root, header, seen)


def ours(root):
    """Paths of the project's own files."""
    seen = set()
    for path in [*named_sources(root), *PUBLIC]:
        if not (root / path).is_file():
            sys.exit(f"package: component.cmake names {path}, which is not there")
        seen_by(root, path, seen)
    for folder in FOLDERS:
        seen |= {path.relative_to(root).as_posix() for path in (root / folder).rglob("*") if path.is_file()}
    return seen | set(FILES)


def generated(root):
    """{path: content} of what protoc makes of grid.proto."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--nanopb_opt=-I{root}", "--nanopb_opt=-q", f"--nanopb_out={folder}", f"-I{root}",
                        "transport/proto/grid.proto"], cwd=root, check=True)
        made = pathlib.Path(folder, "transport/proto")
        return {f"third_party/generated/transport/proto/{path.name}": path.read_bytes() for path in made.iterdir()}


def contents(root, nanopb):
    files = {path: (root / path).read_bytes() for path in ours(root)}
    files["README.md"] = files["ports/esp32/README.md"]  # Where the registry looks for it.
    files |= {f"third_party/nanopb/{name}": (nanopb / name).read_bytes() for name in NANOPB}
    return files | generated(root)


def pack(files, out):
    """A .tar.gz with nothing in it of this machine, this day or this user."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as zipped, tarfile.open(fileobj=zipped,
                                                                                            mode="w") as archive:
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(files[path]), 0o644
            archive.addfile(entry, io.BytesIO(files[path]))


def main():
    root, nanopb, folder = map(pathlib.Path, sys.argv[1:])
    files = contents(root, nanopb)
    out = folder / f"grid-{version(root)}.tar.gz"
    pack(files, out)
    print(f"{out}: {len(files)} files, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
