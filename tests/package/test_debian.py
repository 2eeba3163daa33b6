# SPDX-License-Identifier: Apache-2.0
"""The Debian packages of this machine's architecture: what is in them, and what they say of themselves."""
import gzip
import pathlib
import re
import shutil
import unittest

import packages
from packages import SOURCE, TREE, run

GRIDD_BYTES_MAX = 2 << 20
EXPOSURE_MAX = "15"  # Tenths.


class Debian(packages.PackageTest):
    @classmethod
    def setUpClass(cls):
        cls.packages = packages.make(TREE, TREE / "packages")
        cls.root = packages.unpack(cls.packages.values(), TREE / "packages/root")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def programs(self):
        version = packages.field(self.packages["libgrid0"], "Version")
        library = next(self.root.glob(f"usr/lib/*/libgrid.so.{version}"))
        module = next(self.root.glob("usr/lib/*/grid/gridd-postgres.so"))
        return [self.root / "usr/sbin/gridd", self.root / "usr/bin/gridctl", library, module]

    def test_there_are_five_that_say_what_they_need(self):
        self.assertEqual(sorted(self.packages), sorted(packages.NAMES))
        depends = {name: packages.field(file, "Depends") for name, file in self.packages.items()}
        for name in ("gridd", "gridctl", "libgrid0"):
            for library in ("libc6 (>= ", "libuv1 (>= ", "libwebsockets17 (>= ", "libwebsockets-evlib-uv"):
                self.assertIn(library, depends[name], name)
        version = packages.field(self.packages["libgrid0"], "Version")
        self.assertIn(f"libgrid0 (= {version})", depends["libgrid-dev"])
        self.assertIn("libpq5", depends["gridd-postgres"])
        self.assertNotIn("libpq5", depends["gridd"])
        self.assertEqual(len({packages.field(file, "Architecture") for file in self.packages.values()}), 1)

    def test_the_same_tree_gives_the_same_bytes(self):
        again = packages.make(TREE, TREE / "packages/again")
        self.addCleanup(shutil.rmtree, TREE / "packages/again")
        for name, file in self.packages.items():
            self.assertEqual(file.read_bytes(), again[name].read_bytes(), f"{name} is not the same twice")

    def test_programs_are_small_hardened_and_know_no_place(self):
        self.assertLess((self.root / "usr/sbin/gridd").stat().st_size, GRIDD_BYTES_MAX)
        for program in self.programs():
            parts = run("readelf", "-W", "-h", "-l", "-d", "-S", program)
            for hardening in ("DYN (", "GNU_RELRO", "BIND_NOW"):
                self.assertIn(hardening, parts, program)
            self.assertNotRegex(parts, r"\.symtab|\.debug_|RUNPATH|RPATH", program)
            self.assertNotRegex(parts, r"GNU_STACK.* RWE ", program)
            symbols = run("readelf", "-W", "--dyn-syms", program)
            self.assertIn("__stack_chk_fail", symbols, program)
            self.assertRegex(symbols, r"__\w+_chk@", f"{program} is not fortified")
            self.assertNotIn(str(SOURCE).encode(), program.read_bytes(), f"{program} names the folder of its sources")

    def test_what_is_configured_is_kept_by_upgrades(self):
        control = self.temporary()
        run("dpkg-deb", "-e", self.packages["gridd"], control)
        files = [path for path in sorted((self.root / "etc").rglob("*")) if path.is_file()]
        self.assertEqual((control / "conffiles").read_text().split(),
                         [f"/{path.relative_to(self.root)}" for path in files])

    def test_the_configuration_that_is_installed_can_be_run_and_is_loopback(self):
        gridd = self.root / "usr/sbin/gridd"
        file = self.root / "etc/gridd/gridd.toml"
        flags = re.search(r'^FLAGS="(.*)"$', (self.root / "etc/default/gridd").read_text(), re.MULTILINE)[1].split()
        run(gridd, "--config", file, *flags, "--check-config")
        shown = run(gridd, "--config", file, "--show-config")
        self.assertRegex(shown, r'(?m)^listen = \["127\.0\.0\.1:7271"\]')
        self.assertRegex(shown, r'(?m)^data = "/var/lib/gridd"')

    def test_the_service_is_sound_and_shut_in(self):
        packages.tool("systemd-analyze")
        unit = self.root / "lib/systemd/system/gridd.service"
        said = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX}", "--no-pager", unit)
        print(said.strip().splitlines()[-1])
        # What a unit names is looked for on this machine: only whether it understands the unit is of interest.
        here = self.temporary()
        for name in ("gridd.service", "gridd.socket"):
            text = unit.with_name(name).read_text().replace("/usr/sbin/gridd", str(self.root / "usr/sbin/gridd"))
            (here / name).write_text(text)
            said = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", here / name)
            self.assertEqual(said.strip(), "")

    def test_it_stops_later_than_the_gateway_itself_gives_up(self):
        unit = (self.root / "lib/systemd/system/gridd.service").read_text()
        shown = run(self.root / "usr/sbin/gridd", "--config", self.root / "etc/gridd/gridd.toml", "--show-config")
        own = re.search(r'(?m)^stop_timeout = "(\d+)s"', shown)[1]
        self.assertGreater(int(re.search(r"(?m)^TimeoutStopSec=(\d+)$", unit)[1]), int(own))

    def page(self, name):
        return gzip.decompress((self.root / "usr/share/man" / name).read_bytes()).decode()

    def test_manual_pages_say_what_the_programs_say(self):
        plain = {name: self.page(name).replace("\\-", "-").replace("\\fR, \\fB", ",")
                 for name in ("man8/gridd.8.gz", "man5/gridd.toml.5.gz", "man1/gridctl.1.gz")}
        gridd, gridctl = self.root / "usr/sbin/gridd", self.root / "usr/bin/gridctl"
        flags = re.findall(r"^  (?:-\w,)?(--[\w-]+)", run(gridd, "--help"), re.MULTILINE)
        self.assertGreater(len(flags), 10)
        for flag in flags:
            self.assertIn(f"{flag}\\fR", plain["man8/gridd.8.gz"])
        keys = re.findall(r"^\| `([\w.]+)` \|", run(gridd, "--list-settings"), re.MULTILINE)
        self.assertGreater(len(keys), 10)
        for key in keys:
            self.assertIn(f"\\fB{key}\\fR\n", plain["man5/gridd.toml.5.gz"])
        verbs = run(gridctl, "--help").split("Subcommands:\n")[1]
        self.assertGreater(len(verbs.splitlines()), 20)
        for verb in re.findall(r"^  (\w+)", verbs, re.MULTILINE):
            self.assertRegex(plain["man1/gridctl.1.gz"], rf"(?m)^\.SS {verb}\b")

    def test_manual_pages_are_sound(self):
        packages.tool("mandoc")
        folder = self.temporary()
        for name in ("man8/gridd.8", "man5/gridd.toml.5", "man1/gridctl.1"):
            page = folder / pathlib.Path(name).name
            page.write_text(self.page(f"{name}.gz"))
            run("mandoc", "-Tlint", "-Wwarning", page)

    def test_lintian_has_nothing_against_them(self):
        packages.tool("lintian")
        # Who packs it says who that is; nobody has asked for it, so it closes no bug; CPack calls ldconfig itself.
        tags = "bogus-mail-host,bogus-mail-host-in-debian-changelog,initial-upload-closes-no-bugs,"
        tags += "maintscript-calls-ldconfig"
        run("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", tags, *self.packages.values())


if __name__ == "__main__":
    unittest.main()
