# SPDX-License-Identifier: Apache-2.0
"""Installs, upgrades, removes and purges gridd and gridctl, on a view of this machine that nobody else has.

The machine's own file system lies beneath an overlay, in a mount namespace that ends with the test: what is written
stays in memory and goes away. That takes root; without, or where there are no namespaces, the test is skipped.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import packages
from packages import run

INSIDE = "GRID_INSIDE"
SKIPPED = 77
ENABLED = "etc/systemd/system/multi-user.target.wants/gridd.service"
OWN = "etc/gridd/conf.d/10-own.toml"
ROLE = '[role.sensor]\ngrants = [{ map = "climate", actions = ["read", "put"] }]\n'
AS_SERVICE = ("setpriv", "--reuid=grid", "--regid=grid", "--clear-groups", "--no-new-privs", "--bounding-set=-all")


def view():
    """The root of the view, mounted."""
    room = pathlib.Path(tempfile.mkdtemp(prefix="grid-"))
    run("mount", "-t", "tmpfs", "tmpfs", room)
    for name in ("upper", "work", "root"):
        (room / name).mkdir()
    root = room / "root"
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={room}/upper,workdir={room}/work", root)
    run("mount", "-t", "proc", "proc", root / "proc")
    run("mount", "--rbind", "/dev", root / "dev")
    run("rm", "-rf", root / "run/systemd", root / "etc/gridd", root / "var/lib/gridd", root / "packages")
    (root / "packages").mkdir()
    return root


def older(file, folder):
    """The same package of an earlier version, with another configuration."""
    unpacked = folder / "older"
    run("dpkg-deb", "-R", file, unpacked)
    control = unpacked / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*$", "Version: 0.0.1", control.read_text()))
    with open(unpacked / "etc/gridd/gridd.toml", "a", encoding="utf-8") as configuration:
        configuration.write("# as it was once\n")
    return run("dpkg-deb", "--root-owner-group", "-b", unpacked, folder / "gridd-older.deb") and "gridd-older.deb"


class Install(packages.PackageTest):
    @classmethod
    def setUpClass(cls):
        made = packages.make(packages.TREE, packages.TREE / "packages.install")
        cls.root = view()
        for name in ("gridd", "gridctl"):
            (cls.root / f"packages/{name}.deb").write_bytes(made[name].read_bytes())
        older(made["gridd"], cls.root / "packages")
        cls.version = packages.field(made["gridd"], "Version")

    def there(self, *command):
        return run("chroot", self.root, "env", "-u", "NOTIFY_SOCKET", "DEBIAN_FRONTEND=noninteractive", *command)

    def install(self, *files):
        self.there("dpkg", "--force-confdef", "--force-confold", "-i", *(f"/packages/{file}" for file in files))

    def state(self):
        return self.there("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", "gridd")

    def text(self, path):
        return (self.root / path).read_text()

    def serve(self, *row):
        """Runs the gateway as its service does; puts the row, when there is one, and tells what is in the map."""
        unit = self.text("lib/systemd/system/gridd.service")
        command = re.search(r"(?m)^ExecStart=(.*)$", unit)[1]
        flags = re.search(r'(?m)^FLAGS="(.*)"$', self.text("etc/default/gridd"))[1]
        # What systemd does for StateDirectory=.
        self.there("install", "-d", "-o", "grid", "-g", "grid", "-m", "0700", "/var/lib/gridd")
        gateway = subprocess.Popen(["chroot", str(self.root), *AS_SERVICE, *command.replace("$FLAGS", flags).split(),
                                    "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        try:
            url = gateway.stdout.readline().strip()
            here = ("--target", url, "--token-file", "/packages/token")
            if row:
                self.enroll()
                self.there("gridctl", *here, "put", *row)
            return self.there("gridctl", *here, "-o", "ndjson", "ls", "climate")
        finally:
            gateway.terminate()
            self.assertEqual(gateway.wait(60), 0)
            gateway.stdout.close()

    def enroll(self):
        said = self.there("gridctl", "server", "--data", "/var/lib/gridd", "enroll", "bench", "--role", "sensor")
        (self.root / "packages/token").write_text(re.search(r"(?m)^grid_\w\S*$", said)[0])

    def test_the_life_of_a_gateway(self):
        self.install("gridd-older.deb", "gridctl.deb")
        (self.root / OWN).write_text(ROLE)
        self.assertEqual(self.state(), "installed 0.0.1")
        self.assertRegex(self.there("getent", "passwd", "grid"), r"^grid:.*:/var/lib/gridd:/usr/sbin/nologin")
        self.assertTrue((self.root / ENABLED).is_symlink(), "it is to start with the machine")
        row = self.serve("climate", "bench/3", '{"temp":21.5}')
        self.assertIn("21.5", row)

        self.upgrades_keep_what_is_there(row)
        self.removing_keeps_what_purging_ends(row)

    def upgrades_keep_what_is_there(self, row):
        # Nobody has touched the configuration: the new one comes. The administrator's own file is not asked about.
        self.install("gridd.deb")
        self.assertEqual(self.state(), f"installed {self.version}")
        self.assertNotIn("as it was once", self.text("etc/gridd/gridd.toml"))
        self.assertTrue((self.root / ENABLED).is_symlink())
        self.assertEqual(self.serve(), row)

        # Somebody has: it stays. So does what was switched off.
        with open(self.root / "etc/gridd/gridd.toml", "a", encoding="utf-8") as configuration:
            configuration.write("# mine\n")
        self.there("systemctl", "disable", "gridd.service")
        self.install("gridd-older.deb")
        self.install("gridd.deb")
        self.assertIn("# mine", self.text("etc/gridd/gridd.toml"))
        self.assertFalse((self.root / ENABLED).is_symlink(), "an upgrade has enabled what was disabled")
        self.assertEqual(self.text(OWN), ROLE)
        self.assertEqual(self.serve(), row)

    def removing_keeps_what_purging_ends(self, row):
        self.there("dpkg", "-r", "gridd")
        self.assertFalse((self.root / "usr/sbin/gridd").exists())
        self.assertTrue((self.root / "etc/gridd/gridd.toml").is_file())
        self.install("gridd.deb")
        self.assertEqual(self.serve(), row)

        self.there("dpkg", "-P", "gridd", "gridctl")
        for path in ("etc/gridd", "etc/default/gridd", "var/lib/gridd", "lib/systemd/system/gridd.service", ENABLED,
                     "etc/systemd/system/gridd.service", "usr/share/doc/gridd"):
            self.assertFalse(os.path.lexists(self.root / path), f"{path} is left")


def namespace():
    """Runs this file once more where what is mounted is nobody else's."""
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if os.geteuid() != 0 or tried.returncode != 0:
        print("package: skipped: installing takes root and a mount namespace of its own", tried.stderr)
        sys.exit(SKIPPED)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", *sys.argv])


if __name__ == "__main__":
    if INSIDE not in os.environ:
        namespace()
    unittest.main()
