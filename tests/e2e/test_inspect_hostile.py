# SPDX-License-Identifier: Apache-2.0
"""A gridctl that looks into no device, or into one gone mad: each time one sentence, and the right exit code."""
import concurrent.futures
import os
import random

import harness
import line


def healthy(ask):
    """What a device with three rows and one pending op answers."""
    topic = ask.get(2, b"").decode()
    if topic == "status":
        return line.status_reply(ask)
    if topic == "digest":
        return line.reply(ask, [line.op(b"c", line.record(cells=3, sum=4), b"m")])
    if topic == "oplog":
        return line.reply(ask, [line.op(b"a", line.text_value("x"), b"m", 5)])
    if topic == "ls":
        return line.reply(ask, [line.op(key, line.text_value("x"), b"m") for key in (b"a", b"b", b"c")])
    return line.reply(ask, [line.op(ask.get(3), line.text_value("x"), b"m")])


def too_long(peer, ask):
    """A frame that is larger than any device's, which is dropped like noise."""
    if ask.get(2) == b"status":
        return [healthy(ask)]
    if len(peer.asks) == 2:
        peer.link.sendall(b"\0" + b"\xff" * 3_000_000 + b"\0")
    return []


def from_status_on(answers):
    """Healthy as far as its status goes; then what `answers(ask)` gives."""
    return lambda peer, ask: [healthy(ask)] if ask.get(2) == b"status" else answers(ask)


class Hostile(harness.GridTest):
    def peer(self, answer, **options):
        path = self.path(f"peer{random.getrandbits(64):x}.sock")
        peer = line.Peer(path, answer, **options)
        self.addCleanup(peer.close)
        return "unix:" + path

    def fails(self, code, sentence, answer, *verb, **options):
        """gridctl ends with `code`, and says `sentence`."""
        outcome = self.gridctl_fails(code, "--target", self.peer(answer, **options), *(verb or ("status",)))
        self.assertIn(sentence, outcome.err)
        return outcome

    def test_a_healthy_one_is_understood(self):
        target = self.peer(lambda peer, ask: [healthy(ask)])
        self.assertEqual(self.run_gridctl("--target", target, "status").json()["cells"], 3)
        self.assertEqual(len(self.run_gridctl("--target", target, "ls", "m").lines()), 3)
        self.assertEqual(self.run_gridctl("--target", target, "oplog").lines()[0]["seq"], 5)
        self.assertEqual(self.gridctl("--target", target, "get", "m", "b"), '"x"\n')

    def test_what_is_no_line_is_named(self):
        fails = self.gridctl_fails
        missing = self.path("ttyUSB9")
        self.assertIn("is it plugged in?", fails(6, "--target", "serial:" + missing, "status").err)
        self.assertIn("no serial line", fails(2, "--target", "serial:/dev/null", "status").err)
        self.assertIn("115200", fails(2, "--target", f"serial:{missing}@12345", "status").err)
        self.assertIn("number of bauds", fails(2, "--target", f"serial:{missing}@fast", "status").err)
        self.assertIn("serial:DEVICE", fails(2, "--target", "serial:", "status").err)
        self.assertIn("unix:PATH", fails(2, "--target", "unix:", "status").err)
        self.assertIn("the limit is 107", fails(2, "--target", "unix:" + "x" * 200, "status").err)
        self.assertIn("is no socket", fails(2, "--target", "unix:" + self.file("text", "x"), "status").err)
        self.assertIn("there is no socket", fails(6, "--target", "unix:" + missing, "status").err)

    def test_silence_noise_and_answers_to_nobody_end_in_time(self):
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        lost = self.peer(lambda peer, ask: [])
        mute = self.peer(None, opened=b"")
        noisy = self.peer(None, opened=b"\0ets Jul 29 2019 12:21:46\r\n\0rst:0x1\r\n\0")
        others = self.peer(from_status_on(lambda ask: [healthy({**ask, 1: ask[1] + 7})]))
        huge = self.peer(too_long)
        cases = {"serial:" + os.ttyname(theirs): "listens on this line", lost: "no answer", mute: "no answer",
                 noisy: "of noise", others: "no answer", huge: "of noise"}
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            done = pool.map(lambda target: self.gridctl_fails(6, "--target", target, "ls", "m"), cases)
            for sentence, outcome in zip(cases.values(), done):
                self.assertIn(sentence, outcome.err)
                self.assertIn("within 5 s", outcome.err)

    def test_an_answer_that_is_lost_is_asked_for_again(self):
        lost = []

        def answer(_, ask):
            if len(lost) < 2:
                lost.append(ask)
                return []
            return [healthy(ask)]

        self.assertEqual(len(self.run_gridctl("--target", self.peer(answer), "ls", "m").lines()), 3)
        self.assertEqual(len(lost), 2)

    def test_another_version_is_named(self):
        self.fails(1, "another version of the line's framing", None, version=2)
        self.fails(1, "speaks protocol 9, this gridctl 1 to 1", lambda peer, ask: [line.status_reply(ask, protocol=9)])

    def test_what_breaks_a_rule_is_corrupt(self):
        def frames(*frames):
            return lambda peer, ask: list(frames)

        self.fails(7, "no answer", frames(b"\x0c\x08\x07"))
        self.fails(7, "no answer", frames(b""))
        self.fails(7, "no frame", frames(b"\x15\xff\xff"))
        self.fails(7, "no record", lambda peer, ask: [line.reply(ask)])
        self.fails(7, "an op that breaks a rule",
                   lambda peer, ask: [line.reply(ask, [line.op(b"status", b"\x10\x07", b"inspect")])])
        self.fails(7, "a cell of another map",
                   from_status_on(lambda ask: [line.reply(ask, [line.op(b"a", b"", b"other")])]), "ls", "m")
        self.fails(7, "name breaks a rule",
                   from_status_on(lambda ask: [line.reply(ask, [line.op(b"\x1b[2J", b"", b"m")])]), "ls", "m")

    def test_what_the_device_cannot_read_is_told(self):
        self.fails(1, "cannot tell: io", lambda peer, ask: [line.reply(ask, status=10)])
        self.fails(7, "cannot tell: corrupt", from_status_on(lambda ask: [line.reply(ask, status=5)]), "ls", "m")

    def test_a_row_too_large_is_passed_and_named(self):
        def answers(ask):
            if ask.get(3) == b"b":
                return [line.reply(ask, [line.op(b"c", line.text_value("x"), b"m")])]
            return [line.reply(ask, [line.op(b"b", b"", b"m")], last=False, status=4)]

        outcome = self.fails(8, '"b"', from_status_on(answers), "ls", "m")
        self.assertEqual([row["key"] for row in outcome.lines()], ["c"])

    # BND-1
    def test_pages_that_go_back_or_never_end_are_ended(self):
        def page(*keys):
            return from_status_on(lambda ask: [line.reply(ask, [line.op(key, b"", b"m") for key in keys], last=False)])

        self.fails(7, "not in order", page(b"b", b"a"), "ls", "m")
        self.fails(7, "not in order", page(b"a"), "ls", "m")
        self.fails(7, "nothing on it", page(), "ls", "m")
        self.fails(7, "not in order",
                   from_status_on(lambda ask: [line.reply(ask, [line.op(seq=3)], last=False)]), "oplog")
        self.fails(7, "pages", from_status_on(
            lambda ask: [line.reply(ask, [line.op(seq=ask.get(7, 0) + 1)], last=False)]), "oplog")

    def test_a_hang_up_in_the_middle_of_a_page_is_told(self):
        def answer(peer, ask):
            if ask.get(2) == b"status":
                return [healthy(ask)]
            peer.link.sendall(line.packet(line.FRAME, 1, 1, healthy(ask))[:20])
            peer.hang_up()
            return []

        self.fails(6, "hung up", answer, "ls", "m")

    def test_a_serial_line_that_is_unplugged_in_the_middle_of_a_page_is_told(self):
        target = self.peer(lambda peer, ask: [healthy(ask)])
        cable = line.Cable(target.removeprefix("unix:"), lambda data, number: data if number < 2 else None)
        self.addCleanup(cable.pull)
        self.assertIn("hung up", self.gridctl_fails(6, "--target", "serial:" + cable.name, "ls", "m").err)

    def test_mad_answers_never_crash_it(self):
        seed = random.getrandbits(32)
        print(f"seed {seed}")

        def mad(number):
            chance = random.Random(seed + number)

            def answer(_, ask):
                frame = bytearray(healthy(ask))
                for _ in range(chance.randrange(4)):
                    at = chance.randrange(len(frame))
                    frame[at:at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
                return [bytes(frame)]

            verb = [("status",), ("oplog",), ("ls", "m"), ("get", "m", "a"), ("clock",)][number % 5]
            outcome = self.run_gridctl("--target", self.peer(answer), *verb)
            return number, outcome

        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            for number, outcome in pool.map(mad, range(240)):
                self.assertIn(outcome.code, (0, 1, 3, 6, 7, 8), f"seed {seed}, {number}: {outcome}")
                self.assertLessEqual(outcome.err.count("\n"), 1, f"seed {seed}, {number}: {outcome}")


if __name__ == "__main__":
    harness.main()
