# SPDX-License-Identifier: Apache-2.0
"""pub, sub and room, device to device through a gateway: what is heard, who is there, and what happens when one of
them, or the gateway, goes away."""
import json
import os
import signal
import subprocess

import harness


class ChannelsTest(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.gateway = self.server()
        self.target = ("--target", self.gateway.url)

    def listener(self, *arguments, target=None):
        """A `sub` that the gateway knows of."""
        listener = self.start(*(target or self.target), "sub", *arguments)
        harness.wait_until(lambda: any("listening" in line for line in listener.errors), "the gateway knows of it")
        return listener

    def inside(self, verb, *arguments, context=None):
        """A `room join` or `room events` that has been told the whole room."""
        member = self.start(*(context or self.target), "room", verb, "ops", *arguments)
        self.heard(member, "stands")
        return member

    @staticmethod
    def heard(process, event, count=1):
        """The first `count` events of that kind, once they are there."""
        def found():
            return [one for one in map(json.loads, list(process.lines)) if one.get("event") == event]
        harness.wait_until(lambda: len(found()) >= count, f"{count} of {event}: {process.lines} {process.errors}")
        return found()

    @staticmethod
    def messages(process, count):
        harness.wait_until(lambda: len(process.lines) >= count, f"{count} lines of {process.lines}")
        return [json.loads(line) for line in process.lines]

    def members(self):
        """The members of the room, as somebody from outside sees them: their statuses, by name."""
        outcome = self.run_gridctl(*self.target, "-o", "json", "room", "status", "ops")
        if outcome.code == 3:
            return []
        return sorted(member["status"] for member in outcome.json()["members"])


class Topics(ChannelsTest):
    def test_who_listens_hears_what_is_said_and_nothing_else(self):
        every = self.listener("#")
        some = self.listener("alarm/+/smoke")
        for topic, value in (("alarm/hall/smoke", '{"on":true}'), ("alarm/hall", "1"), ("door", '"open"')):
            self.assertEqual(self.gridctl(*self.target, "pub", topic, value), "")
        self.assertEqual([one["topic"] for one in self.messages(every, 3)], ["alarm/hall/smoke", "alarm/hall", "door"])
        one, = self.messages(some, 1)
        self.assertEqual((one["topic"], one["value"]), ("alarm/hall/smoke", {"on": True}))
        self.assertRegex(one["from"], r"\A[0-9a-f]{16}\Z")
        self.assertEqual(some.stop(signal.SIGINT), 0)

    def test_a_device_with_a_store_says_and_hears_too_and_keeps_nothing(self):
        context = ("--store", self.path("store"), *self.target)
        hearing = self.listener("a", "--count", "1", target=context)
        said = self.gridctl("--store", self.path("other"), *self.target, "-o", "json", "pub", "a", "-", stdin="5")
        self.assertEqual(json.loads(said), {"topic": "a", "outcome": "published"})
        self.assertEqual(hearing.ended(), 0)
        self.assertEqual(self.messages(hearing, 1)[0]["value"], 5)
        self.assertEqual(json.loads(self.gridctl("--store", self.path("other"), "--offline", "-o", "json",
                                                 "status"))["ops_pending"], 0)

    def test_a_duration_ends_it_and_raw_prints_values_alone(self):
        self.assertEqual(self.listener("a", "--for", "200ms").ended(), 0)
        raw = self.listener("a", "--count", "1", target=(*self.target, "-o", "raw"))
        self.gridctl(*self.target, "pub", "a", '{"x": 1}')
        self.assertEqual(raw.ended(), 0)
        self.assertEqual(raw.lines, ['{"x":1}'])

    def test_it_goes_on_when_the_gateway_returns_and_tells_the_gap(self):
        hearing = self.listener("a")
        self.gateway.stop(signal.SIGKILL)
        self.server(listen=self.gateway.listen())
        # Asked again after a while that only the listener knows.
        def is_heard():
            self.gridctl(*self.target, "pub", "a", "1")
            return len(hearing.lines) >= 2
        harness.wait_until(is_heard, "a message through the new gateway")
        self.assertEqual([json.loads(line) for line in hearing.lines[:1]], [{"gap": True}])

    def test_a_listener_that_stands_still_loses_the_oldest_and_is_told_how_many(self):
        hearing = self.listener("n")
        hearing.child.send_signal(signal.SIGSTOP)
        count, bytes_each = 400, 60_000
        command = [harness.program("grid_channel_load"), self.gateway.url, "n", str(count), str(bytes_each)]
        saying = subprocess.run(command, env={**os.environ, **self.env}, timeout=harness.DEADLINE_SECONDS, check=False)
        self.assertEqual(saying.returncode, 0)
        hearing.child.send_signal(signal.SIGCONT)
        def all_told():
            lines = [json.loads(line) for line in list(hearing.lines)]
            return sum(line.get("lost", 1) for line in lines) >= count and lines
        lines = harness.wait_until(all_told, "every message heard or told as lost")
        self.assertEqual(sum(line.get("lost", 1) for line in lines), count)
        self.assertTrue(any("lost" in line for line in lines))
        numbers = [line["value"]["n"] for line in lines if "value" in line]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(numbers[-1], count - 1)


class Rooms(ChannelsTest):
    def test_members_see_each_other_come_go_and_change(self):
        ann = self.inside("join", "--status", '"ann"')
        ben = self.inside("join", "--status", '"ben"')
        self.assertEqual(self.heard(ann, "joined")[0]["value"], "ben")
        self.assertEqual([one["value"] for one in self.heard(ben, "member", 2)].count("ann"), 1)
        self.assertEqual(self.members(), ["ann", "ben"])
        self.gridctl(*self.target, "room", "status", "ops", '{"open":true}')
        self.gridctl(*self.target, "room", "tell", "ops", '"hello"')
        for member in (ann, ben):
            self.assertEqual(self.heard(member, "room_status")[0]["value"], {"open": True})
            self.assertEqual(self.heard(member, "told")[0]["value"], "hello")
            events = [line for line in map(json.loads, member.lines) if line["event"] in ("room_status", "told")]
            stamps = [line["stamp"] for line in events]
            self.assertEqual(stamps, sorted(stamps))
        self.assertEqual(ben.stop(signal.SIGINT), 0)
        left = self.heard(ann, "left")[0]
        self.assertIn(left["why"], ("left", "link_ended"))
        self.assertEqual(self.members(), ["ann"])

    def test_a_member_that_is_killed_is_seen_to_leave(self):
        watching = self.inside("events")
        ann = self.inside("join", "--status", '"ann"')
        ben = self.inside("join", "--status", '"ben"', context=("--store", self.path("ben"), *self.target))
        ben.stop(signal.SIGKILL)
        for one in (watching, ann):
            self.assertEqual(self.heard(one, "left")[0]["why"], "link_ended")
        self.assertEqual(self.members(), ["ann"])

    def test_a_member_that_stands_still_lapses_and_comes_back(self):
        ann = self.inside("join", "--status", '"ann"')
        ben = self.inside("join", "--status", '"ben"', "--lease", "1s")
        ben.child.send_signal(signal.SIGSTOP)
        self.assertEqual(self.heard(ann, "left")[0]["why"], "lapsed")
        ben.child.send_signal(signal.SIGCONT)
        self.assertEqual(self.heard(ann, "joined", 2)[1]["value"], "ben")
        self.heard(ben, "stands", 2)

    def test_members_come_in_again_when_the_gateway_returns(self):
        members = [self.inside("join", "--status", f'"{name}"') for name in ("ann", "ben")]
        self.gateway.stop(signal.SIGKILL)
        self.server(listen=self.gateway.listen())
        for member in members:
            self.heard(member, "gap")
            self.heard(member, "stands", 2)
        harness.wait_until(lambda: self.members() == ["ann", "ben"], "both are back")

    def test_a_room_that_nobody_is_in_is_not_found(self):
        self.assertIn("nobody", self.gridctl_fails(3, *self.target, "room", "status", "ops").err)
        self.assertIn("nobody", self.gridctl_fails(3, *self.target, "room", "status", "ops", "1").err)
        ann = self.inside("join")
        self.gridctl(*self.target, "room", "status", "ops", "1")
        ann.stop(signal.SIGKILL)
        harness.wait_until(lambda: not self.members(), "the room is empty")
        # And what was said of it is gone with it.
        self.inside("join")
        self.assertIsNone(json.loads(self.gridctl(*self.target, "-o", "json", "room", "status", "ops"))["status"])


class Usage(ChannelsTest):
    def test_names_and_values_that_break_a_rule(self):
        for arguments, rule in ((("pub", "a/+", "1"), "without + and #"), (("pub", "#", "1"), "without + and #"),
                                (("pub", "a//b", "1"), "none empty"), (("pub", "t" * 129, "1"), "128 bytes"),
                                (("pub", "/".join("a" * 17), "1"), "16"), (("pub", "a", "{"), "column"),
                                (("pub", "a", json.dumps("x" * 70_000)), "65536"), (("sub", "a/#/b"), "at the end"),
                                (("sub", "a+"), "one level"), (("room", "join", "a/+"), "without + and #"),
                                (("room", "join", "a", "--status", json.dumps("x" * 1_100)), "1024"),
                                (("room", "status", "a", json.dumps("x" * 1_100)), "1024"), (("room",), "subcommand"),
                                (("room", "join"), "NAME"), (("sub", "a", "--count", "0"), "count")):
            with self.subTest(arguments=[argument[:20] for argument in arguments]):
                self.assertIn(rule, self.gridctl_fails(2, *self.target, *arguments).err)

    def test_nothing_is_said_without_a_gateway(self):
        for verb in (("pub", "a", "1"), ("sub", "a"), ("room", "join", "a"), ("room", "status", "a")):
            with self.subTest(verb=verb):
                self.gridctl_fails(2, "--offline", *verb)
        for verb in (("pub", "a", "1"), ("sub", "a"), ("room", "events", "a")):
            with self.subTest(verb=verb):
                self.gridctl_fails(6, "--target", "ws://127.0.0.1:1", *verb)
                self.gridctl_fails(6, "--store", self.path("s"), "--target", "ws://127.0.0.1:1", *verb)

    def test_a_device_on_a_line_has_none_of_it(self):
        self.gridctl_fails(2, "--target", f"unix:{self.path('sock')}", "pub", "a", "1")


if __name__ == "__main__":
    harness.main()
