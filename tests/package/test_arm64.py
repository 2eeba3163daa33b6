# SPDX-License-Identifier: Apache-2.0
"""The packages for arm64: built across, and run in an emulator with the libraries that they ask for. Gateways are ARM.

Builds Grid once more, for another machine; `./dev package arm64` fetches what that takes.
"""
import os
import subprocess
import unittest

import packages
from packages import SOURCE, run

ARM = SOURCE / "build/arm64"
SYSROOT = SOURCE / "build/sysroot/arm64"
EMULATOR = "qemu-aarch64-static"


class Arm64(packages.PackageTest):
    @classmethod
    def setUpClass(cls):
        packages.tool(EMULATOR), packages.tool("aarch64-linux-gnu-g++")
        if not (SYSROOT / ".complete").is_file():
            raise unittest.SkipTest("there are no libraries for arm64 here; ./dev package arm64 fetches them")
        run("cmake", "--preset", "arm64", cwd=SOURCE)
        run("ninja", "-C", ARM)
        cls.made = packages.make(ARM, ARM / "packages")
        cls.root = packages.unpack(cls.made.values(), ARM / "packages/root")

    def emulated(self, program, *arguments):
        libraries = next(self.root.glob("usr/lib/*/libgrid.so.0")).parent
        return [EMULATOR, "-L", str(SYSROOT), "-E", f"LD_LIBRARY_PATH={libraries}", str(self.root / program),
                *arguments]

    def test_they_are_for_arm64_and_need_what_those_of_this_machine_need(self):
        here = packages.make(packages.TREE, packages.TREE / "packages.compared")
        self.assertEqual(sorted(self.made), sorted(packages.NAMES))
        for name, file in self.made.items():
            self.assertEqual(packages.field(file, "Architecture"), "arm64")
            self.assertEqual(*(sorted(one.split(" ")[0] for one in packages.field(which[name], "Depends").split(", "))
                               for which in (self.made, here)), name)
        self.assertIn("AArch64", run("readelf", "-h", self.root / "usr/sbin/gridd"))

    def test_manual_pages_are_made_as_here(self):
        self.assertTrue((self.root / "usr/share/man/man8/gridd.8.gz").is_file())

    def test_a_gateway_and_its_client_talk(self):
        self.assertIn("gridd ", run(*self.emulated("usr/sbin/gridd", "--version")))
        folder = self.temporary()
        gateway = subprocess.Popen(self.emulated("usr/sbin/gridd", "--dev", "--listen", "127.0.0.1:0", "--data",
                                                 str(folder / "data")), stdout=subprocess.PIPE, text=True)
        self.addCleanup(gateway.stdout.close)
        self.addCleanup(gateway.kill)
        url = gateway.stdout.readline().strip()
        store = ("--target", url, "--store", str(folder / "store"))
        environment = {**os.environ, "XDG_DATA_HOME": str(folder)}
        run(*self.emulated("usr/bin/gridctl", *store, "put", "climate", "bench/3", '{"temp":21.5}'), env=environment)
        row = run(*self.emulated("usr/bin/gridctl", "--target", url, "get", "climate", "bench/3"), env=environment)
        self.assertEqual(row, '{"temp":21.5}\n')
        gateway.terminate()
        self.assertEqual(gateway.wait(120), 0)
        self.assertTrue((folder / "data/apps/default/cells.sqlite").is_file())


if __name__ == "__main__":
    unittest.main()
