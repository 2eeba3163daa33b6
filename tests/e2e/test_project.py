# SPDX-License-Identifier: Apache-2.0
"""The CMake project of docs/start.md, as it stands, builds the example program with Grid's source beside it."""
import os
import pathlib
import shutil
import subprocess

import harness

SOURCE = pathlib.Path(os.environ.get("GRID_SOURCE", pathlib.Path(__file__).parents[2]))


class Project(harness.GridTest):
    def run_in(self, folder, *command):
        done = subprocess.run(command, cwd=folder, check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_project_with_grid_beside_it_builds_the_example(self):
        page = (SOURCE / "docs/start.md").read_text()
        farm = self.folder / "farm"
        farm.mkdir()
        (self.folder / "grid").symlink_to(SOURCE)
        (farm / "CMakeLists.txt").write_text(page.split("```cmake\n")[1].split("```")[0])
        shutil.copy(SOURCE / "examples/greenhouse.cc", farm / "main.cc")
        self.run_in(farm, "cmake", "-G", "Ninja", "-B", "build")
        self.run_in(farm, "ninja", "-C", "build", "farm")
        self.assertTrue(os.access(farm / "build/farm", os.X_OK))


if __name__ == "__main__":
    harness.main()
