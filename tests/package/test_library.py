# SPDX-License-Identifier: Apache-2.0
"""libgrid as others have it: with what is in its packages, and nothing of this tree, the examples build and run."""
import os
import re
import shutil
import subprocess
import unittest

import packages
from packages import SOURCE, TREE, run

# Inline functions of these are Grid's own, and call what only Grid's own code needs.
INTERNAL = re.compile(r"grid::(runtime::(RowTest::next_row|Channels::value_room)|wire::put_item)\(")

CMAKE = """cmake_minimum_required(VERSION 3.25)
project(farm LANGUAGES C CXX)
find_package(grid {version} REQUIRED)
add_executable(greenhouse greenhouse.cc)
target_link_libraries(greenhouse PRIVATE grid::grid)
add_executable(orchard orchard.c)
target_link_libraries(orchard PRIVATE grid::grid)
"""


class Library(packages.PackageTest):
    @classmethod
    def setUpClass(cls):
        cls.made = packages.make(TREE, TREE / "packages.library")
        cls.root = packages.unpack(cls.made.values(), TREE / "packages.library/root")
        cls.library = next(cls.root.glob("usr/lib/*/libgrid.so"))
        cls.headers = cls.root / "usr/include/libgrid"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(TREE / "packages.library")

    def farm(self):
        folder = self.temporary()
        shutil.copy(SOURCE / "examples/greenhouse.cc", folder)
        shutil.copy(SOURCE / "examples/c/orchard.c", folder)
        return folder

    def flags(self, *wanted):
        found = {**os.environ, "PKG_CONFIG_PATH": str(self.library.parent / "pkgconfig")}
        return run("pkg-config", f"--define-variable=prefix={self.root}/usr", *wanted, "grid", env=found).split()

    def runs(self, folder):
        loads = {**os.environ, "LD_LIBRARY_PATH": str(self.library.parent)}
        here = self.temporary()  # They name their stores as they are named.
        for program in ("greenhouse", "orchard"):
            self.assertIn("libgrid.so.0", run("readelf", "-d", folder / program))
        self.assertIn("apple, 12.5 kg", run(folder / "orchard", env=loads, cwd=here))
        # It goes on until it is told to end.
        with subprocess.Popen(["stdbuf", "-oL", str(folder / "greenhouse")], env=loads, cwd=here, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as child:
            found = any("bench/3 21.5" in line for line in child.stdout)
            child.terminate()
            child.stdout.read()
        self.assertTrue(found, "the greenhouse has not told of its bench")
        self.assertEqual(child.returncode, 0)

    def test_pkg_config_builds_both_examples(self):
        folder = self.farm()
        run("g++", "-std=c++20", "-o", "greenhouse", "greenhouse.cc", *self.flags("--cflags", "--libs"), cwd=folder)
        run("gcc", "-std=c99", "-o", "orchard", "orchard.c", *self.flags("--cflags", "--libs"), cwd=folder)
        self.runs(folder)

    def test_cmake_builds_both_examples(self):
        folder = self.farm()
        version = packages.field(self.made["libgrid-dev"], "Version")
        (folder / "CMakeLists.txt").write_text(CMAKE.format(version=version))
        run("cmake", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={self.root}/usr", ".", cwd=folder)
        run("ninja", cwd=folder)
        self.runs(folder)

    def public_headers(self):
        headers = [f"grid/{path.name}" for path in sorted(self.headers.glob("*/grid/*.h"))]
        headers += [f"grid/{path.name}" for path in sorted(self.headers.glob("ports/linux/grid/*.h"))]
        self.assertIn("grid/grid.h", headers)
        self.assertIn("grid/c.h", headers)
        return headers

    def everything(self):
        """A source that includes all, and what it includes of Grid."""
        source = self.temporary() / "everything.cc"
        source.write_text("".join(f"#include <{header}>\n" for header in self.public_headers()))
        named = run("g++", "-std=c++20", *self.flags("--cflags"), "-MM", source)
        return source, {path for path in named.replace("\\\n", " ").split() if path.endswith(".h")}

    def test_the_headers_are_those_that_are_needed(self):
        _, named = self.everything()
        self.assertEqual(named, {str(path) for path in self.headers.rglob("*.h")})

    def exported(self):
        lines = run("nm", "-D", "-C", "--defined-only", self.library).splitlines()
        return {line.split(" ", 2)[2].replace("@@LIBGRID_0", "") for line in lines} - {"LIBGRID_0"}

    def test_every_function_of_c_is_exported(self):
        declared = re.findall(r"^\w[\w *]*?\b(grid_\w+)\(", (SOURCE / "ports/linux/grid/c.h").read_text(), re.MULTILINE)
        self.assertGreater(len(declared), 50)
        self.assertEqual({name for name in self.exported() if "::" not in name}, set(declared))

    def test_what_is_exported_is_declared_in_public(self):
        public = {}
        for path in self.headers.rglob("*.h"):
            for word in set(re.findall(r"\w+", path.read_text())):
                public.setdefault(word, []).append(path.name)
        for name in self.exported():
            self.assertNotRegex(name, r"^grid::(runtime|wire|storage|query|port|transport)::")
            words = re.findall(r"[\w~]+", name.split("(")[0].replace("[abi:cxx11]", ""))
            for word in words:
                self.assertIn(word.strip("~"), public, f"{name} is exported, and {word} stands in no public header")

    def test_what_public_headers_call_is_exported(self):
        """Functions that headers define call functions that only the library has."""
        source, _ = self.everything()
        run("g++", "-std=c++20", "-O0", "-fkeep-inline-functions", *self.flags("--cflags"), "-c", source, "-o",
            f"{source}.o")
        needed = re.findall(r"^ +U (.*)$", run("nm", "-C", "-u", f"{source}.o"), re.MULTILINE)
        missing = {name for name in needed if "grid::" in name} - self.exported()
        self.assertEqual({name for name in missing if not INTERNAL.match(name)}, set())

    def test_what_grid_is_made_of_is_all_there(self):
        """Every function of a class of <grid/*.h> that the tree defines is exported."""
        objects = [*TREE.glob("runtime/grid/libgrid_api.a"), *TREE.glob("ports/linux/libgrid_linux.a")]
        self.assertEqual(len(objects), 2)
        classes = set()
        for path in self.headers.rglob("grid/*.h"):
            classes |= set(re.findall(r"^(?:class|struct) (\w+)(?: final)?(?: :[^;{]*)? \{", path.read_text(), re.M))
        defined = {line.split(" T ")[1] for line in run("nm", "-C", "--defined-only", *objects).splitlines()
                   if " T " in line}
        ours = {name for name in defined if (at := re.match(r"grid::(\w+)::~?[\w]+\(", name)) and at[1] in classes}
        self.assertGreater(len(ours), 60)
        self.assertEqual(ours - self.exported(), set())


if __name__ == "__main__":
    unittest.main()
