# SPDX-License-Identifier: Apache-2.0
"""gridctl on the image of a chip's flash: what it reads, what it refuses, and what it makes of damage."""
import csv
import hashlib
import json
import pathlib
import random

import harness

SECTOR = 4096
TEMPERATURE_AT = 0xe0   # The record of climate bench/1, in sector 0.
LAST_COMMIT_AT = 0x1230  # In sector 1.


class ImageTest(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.golden = harness.golden_image()

    def image(self, content=None, name="chip.bin"):
        return self.file(name, self.golden if content is None else content)

    def damaged(self, *offsets):
        content = bytearray(self.golden)
        for offset in offsets:
            content[offset] ^= 0x40
        return bytes(content)

    def on(self, image, *arguments):
        return self.gridctl("--target", f"image:{image}", *arguments)

    def fails(self, code, image, *arguments):
        return self.gridctl_fails(code, "--target", f"image:{image}", *arguments)


class Reading(ImageTest):
    def test_status_tells_the_device_its_debts_and_its_flash(self):
        told = json.loads(self.on(self.image(), "status"))
        expected = {"format": 1, "app": "greenhouse", "node": "9f3c61d2a0b4e875", "cells": 4, "ops_pending": 4,
                    "clock_ceiling": "2026-11-21T02:01:20.000Z.0000.9f3c61d2a0b4e875", "head": 17, "shared": 13,
                    "settled": 12, "sectors": 8, "sector_bytes": SECTOR, "sectors_free": 2, "sectors_retired": 1,
                    "erases_min": 3, "erases_mean": 3.7, "erases_max": 5}
        self.assertEqual(expected, {name: told[name] for name in expected})

    def test_rows_are_read_as_from_any_store(self):
        image = self.image()
        rows = '{"key":"bench/1","value":{"temp":21.5}}\n{"key":"bench/3","value":301}\n'
        self.assertEqual(self.on(image, "ls", "climate"), rows)
        self.assertEqual(self.on(image, "export", "climate"), rows)
        self.assertEqual(self.on(image, "ls", "climate", "bench/3", "-o", "raw"), "bench/3\n")
        self.assertEqual(self.on(image, "ls", "nothing"), "")
        self.assertEqual(self.on(image, "get", "doors", "front"), "true\n")
        self.assertIn("bench/2", self.fails(3, image, "get", "climate", "bench/2").err)
        self.assertIn("bench/9", self.fails(3, image, "get", "climate", "bench/9").err)

    def test_the_app_that_is_named_must_be_the_images(self):
        image = self.image()
        self.on(image, "--app", "greenhouse", "ls", "climate")
        self.assertIn("greenhouse", self.fails(3, image, "--app", "other", "ls", "climate").err)

    def test_oplog_lists_what_the_device_owes(self):
        ops = [json.loads(line) for line in self.on(self.image(), "oplog").splitlines()]
        self.assertEqual([(op["seq"], op["state"], op["key"], op["value"]) for op in ops],
                         [(13, "sent", "bench/3", 300), (15, "waiting", "bench/3", 301),
                          (16, "waiting", "bench/2", None), (17, "waiting", "front", True)])

    def test_wear_and_budget(self):
        image = self.image()
        sectors = [json.loads(line) for line in self.on(image, "flash", "wear").splitlines()]
        self.assertEqual([sector["erases"] for sector in sectors], [3, 4, 3, 4, 5, 3, None, None])
        self.assertEqual([sector["use"] for sector in sectors],
                         ["log", "log", "free", "to be erased", "free", "to be erased", "retired", "to be erased"])
        slow = json.loads(self.on(image, "flash", "budget", "--every", "10s"))
        fast = json.loads(self.on(image, "flash", "budget", "--every", "1s"))
        self.assertEqual(slow["erases_left"], 7 * 100_000 - 3 - 4 - 3 - 4 - 5 - 3 - 5)
        self.assertAlmostEqual(slow["years"], 10 * fast["years"], delta=1)
        long = json.loads(self.on(image, "flash", "budget", "--value", "1000"))
        self.assertGreater(long["bytes_per_write"], 1000)
        self.assertLess(long["writes_left"], fast["writes_left"])
        self.assertEqual(json.loads(self.on(image, "flash", "budget", "--erases", "1"))["writes_left"], 0)

    def test_looking_never_changes_the_file_and_writing_is_refused(self):
        image = pathlib.Path(self.image())
        image.chmod(0o444)
        before = hashlib.sha256(image.read_bytes()).digest(), image.stat().st_mtime_ns
        for verb in (["status"], ["ls", "climate"], ["oplog"], ["flash", "check"], ["flash", "wear"],
                     ["flash", "budget"], ["flash", "salvage", self.path("out.csv")]):
            self.on(image, *verb)
        for verb in (["put", "climate", "k", "1"], ["rm", "climate", "bench/1"], ["sync"], ["watch", "climate"],
                     ["import", "climate", self.file("rows.csv", "id\n1\n")], ["merkle"], ["clock"]):
            self.assertIn("an image is only read", self.fails(2, image, *verb).err)
        self.assertIn("--store", self.fails(2, image, "--store", self.path("s"), "status").err)
        for verb in (["oplog"], ["flash", "check"], ["flash", "wear"], ["flash", "budget"],
                     ["flash", "salvage", "out.csv"]):
            self.assertIn("image:FILE", self.gridctl_fails(2, "--store", self.path("s"), *verb).err)
        self.gridctl_fails(2, "--target", f"image:{image}", "flash")
        self.assertEqual((hashlib.sha256(image.read_bytes()).digest(), image.stat().st_mtime_ns), before)


class BadFiles(ImageTest):
    """Each is a sentence that names the file, and the offset where there is one."""

    def refused(self, content, *words, code=1, verbs=(("status",), ("ls", "m"), ("flash", "check"))):
        image = self.image(content, "bad.bin")
        for verb in verbs:
            said = self.fails(code, image, *verb).err
            for word in ("bad.bin", *words):
                self.assertIn(word, said)

    def test_no_file_no_name_a_folder(self):
        self.assertIn("No such file", self.fails(1, self.path("nothing.bin"), "status").err)
        self.assertIn("directory", self.fails(1, self.folder, "status").err)
        self.fails(2, "", "status")

    def test_an_empty_file_and_an_erased_chip(self):
        self.refused(b"", "empty")
        self.refused(b"\xff" * 8 * SECTOR, "erased", "no store")

    def test_a_store_that_was_cut_at_its_birth(self):
        labels = b"".join(self.golden[:32].ljust(SECTOR, b"\xff") for _ in range(8))
        self.refused(labels, "no store in it yet")

    def test_another_size(self):
        self.refused(self.golden[:5 * SECTOR], "cut off at offset 0x5000", "32768 bytes")
        self.refused(self.golden[:5 * SECTOR + 100], "cut off at offset 0x5064")
        self.refused(self.golden + b"\xff" * SECTOR, "36864 bytes", "partition of 32768 bytes")
        self.refused(b"\xff" * 3 * SECTOR + self.golden, "0x3000")
        self.refused(b"\0" * 5000, "offset 0x1000", "5000 bytes")

    def test_noise_and_another_tools_image(self):
        self.refused(random.Random(1).randbytes(8 * SECTOR), "no flash image of Grid", "offset 0x0")
        self.refused(b"\x7fELF" + bytes(8 * SECTOR - 4), "7f 45 4c 46")

    def test_another_format_and_an_impossible_label(self):
        content = bytearray(self.golden)
        content[0:32] = bytes.fromhex("677269646e6f72000200000000100000080000000300000000000000df1ae892")
        self.refused(bytes(content), "format 2", "offset 0x0", "reads format 1")
        # 0 sectors of 7 bytes.
        content[0:32] = bytes.fromhex("677269646e6f72000100000007000000000000000300000000000000bacc0985")
        self.refused(bytes(content), "offset 0x0", "no partition has")


class Damage(ImageTest):
    def test_a_whole_image_is_ok(self):
        told = json.loads(self.on(self.image(), "flash", "check"))
        self.assertEqual((told["ok"], told["records"], told["damaged"], told["offset"]), (True, 20, 0, None))

    def test_check_names_the_first_bad_offset(self):
        image = self.image(self.damaged(TEMPERATURE_AT + 50, 0x1000 + 60))
        failed = self.fails(1, image, "flash", "check")
        self.assertIn(f"chip.bin: offset {TEMPERATURE_AT:#x}: a record is damaged", failed.err)
        self.assertEqual((failed.json()["offset"], failed.json()["damaged"]), (hex(TEMPERATURE_AT), 2))
        for verb in (["ls", "climate"], ["status"], ["oplog"]):
            self.assertIn(f"offset {TEMPERATURE_AT:#x}; flash salvage", self.fails(7, image, *verb).err)

    def test_salvage_saves_the_rest_and_says_what_it_skipped(self):
        image, out = self.image(self.damaged(TEMPERATURE_AT + 50)), self.path("rows.csv")
        failed = self.fails(8, image, "flash", "salvage", out)
        self.assertIn("2 rows salvaged, 1 place passed over", failed.err)
        self.assertEqual([skipped["offset"] for skipped in failed.lines()], [hex(TEMPERATURE_AT)])
        with open(out, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(row["map"], row["key"], row["value"], row["pending"]) for row in rows],
                         [("climate", "bench/3", "301", "true"), ("doors", "front", "true", "true")])

    def test_salvage_of_a_whole_image_a_cut_off_one_and_one_without_fronts(self):
        out = pathlib.Path(self.path("rows.json"))
        self.on(self.image(), "flash", "salvage", out)
        rows = json.loads(out.read_text(encoding="utf-8"))
        self.assertEqual([row["key"] for row in rows], ["bench/1", "bench/3", "front"])
        self.assertEqual(rows[0]["value"], {"temp": 21.5})
        self.assertIn("0x2000", self.fails(8, self.image(self.golden[:2 * SECTOR]), "flash", "salvage", out).out)
        self.assertEqual(json.loads(out.read_text(encoding="utf-8")), rows)
        fronts = self.damaged(0, 40, SECTOR, SECTOR + 40)
        self.on(self.image(fronts), "flash", "salvage", out)
        self.assertEqual(json.loads(out.read_text(encoding="utf-8")), rows)

    def test_salvage_into_a_bad_file_is_refused(self):
        image = self.image()
        self.fails(2, image, "flash", "salvage", self.path("rows.txt"))
        self.assertIn("cannot write", self.fails(1, image, "flash", "salvage", self.path("no/rows.csv")).err)
        named = self.image(name="chip.json")
        self.fails(2, named, "flash", "salvage", named)
        self.assertEqual(pathlib.Path(named).read_bytes(), self.golden)

    def test_damage_behind_which_it_may_be_a_power_cut_is_said_and_no_failure(self):
        done = self.run_gridctl("--target", f"image:{self.image(self.damaged(LAST_COMMIT_AT + 3))}", "flash", "check")
        self.assertEqual(done.code, 0, str(done))
        self.assertIn("no commit closes what is here", done.err)

    def test_damaged_images_end_with_a_sentence_and_an_exit_code(self):
        seed = random.SystemRandom().randrange(1 << 32)
        dice, out = random.Random(seed), self.path("rows.csv")
        for turn in range(40):
            content = bytearray(self.golden)
            for _ in range(dice.randint(1, 5)):
                at = dice.choice((dice.randrange(2 * SECTOR), dice.randrange(0x300), dice.randrange(len(content))))
                size = min(dice.randint(1, 300), len(content) - at)
                content[at:at + size] = dice.randbytes(size) if dice.random() < 0.6 else b"\xff" * size
            image = self.image(bytes(content))
            codes = []
            for verb in (["flash", "check"], ["flash", "salvage", out], ["ls", "climate"]):
                done = self.run_gridctl("--target", f"image:{image}", *verb)
                self.assertIn(done.code, (0, 1, 7, 8), f"seed {seed}, turn {turn}: {done}")
                if done.code != 0:
                    self.assertRegex(done.err, r"\Agridctl: \S[^\n]*\n\Z", f"seed {seed}, turn {turn}: {done}")
                codes.append(done.code)
            self.assertFalse(codes[0] == 0 and codes[2] != 0, f"seed {seed}, turn {turn}: {codes}")


if __name__ == "__main__":
    harness.main()
