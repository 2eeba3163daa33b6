# SPDX-License-Identifier: Apache-2.0
"""Devices whose clocks are wrong: nothing is lost, they are told, and everyone converges."""
import json

import harness

YEAR_MS = 365 * 24 * 3600 * 1000
CLOCKS = {"2099": str(73 * YEAR_MS), "1970": str(-56 * YEAR_MS), "unknown": "unknown"}


class Clocks(harness.GridTest):
    def wrong(self, name):
        return {"GRID_WALL_OFFSET_MS": CLOCKS[name]}

    def test_writes_under_a_wrong_clock_arrive_and_later_ones_win(self):
        for name in CLOCKS:
            with self.subTest(clock=name):
                gateway = self.server("gateway-" + name)
                a = ("--store", self.path("a-" + name), "--target", gateway.url)
                b = ("--store", self.path("b-" + name), "--target", gateway.url)
                for key in ("kept", "overwritten"):
                    self.gridctl(*a, "--offline", "put", "m", key, '"a"', env=self.wrong(name))
                moved = json.loads(self.gridctl(*a, "sync", "-o", "json", env=self.wrong(name)))
                self.assertTrue(moved["converged"], moved)
                self.assertEqual(moved["ops_pending"], 0)
                self.gridctl(*b, "put", "m", "overwritten", '"b, later"')
                self.gridctl(*a, "sync", env=self.wrong(name))
                expected = '{"key":"kept","value":"a"}\n{"key":"overwritten","value":"b, later"}\n'
                self.assertEqual(self.gridctl(*a, "--offline", "export", "m", env=self.wrong(name)), expected)
                self.assertEqual(self.gridctl(*b, "export", "m"), expected)
                self.assertEqual(self.gridctl("--target", gateway.url, "export", "m"), expected)

    def test_a_device_is_told_how_far_its_clock_is_off(self):
        gateway = self.server()
        for name in CLOCKS:
            with self.subTest(clock=name):
                device = ("--store", self.path(name), "--target", gateway.url)
                told = json.loads(self.gridctl(*device, "clock", env=self.wrong(name)))
                self.assertEqual(told["quality"], "server")
                if name == "2099":
                    self.assertLess(abs(int(CLOCKS[name]) + told["offset_ms"]), 60_000)

    # CLK-1
    def test_a_clock_that_falls_back_to_1970_still_writes_later(self):
        store = ("--store", self.path("a"), "--offline")
        self.gridctl(*store, "put", "m", "k", '"before the battery died"')
        self.gridctl(*store, "put", "m", "k", '"after"', env=self.wrong("1970"))
        gateway = self.server()
        self.gridctl("--store", self.path("a"), "--target", gateway.url, "sync")
        self.assertEqual(self.gridctl("--target", gateway.url, "get", "m", "k"), '"after"\n')


if __name__ == "__main__":
    harness.main()
