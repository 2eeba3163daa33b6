# SPDX-License-Identifier: Apache-2.0
"""What the design promises of size and traffic, shown with gridctl and gridd as they are shipped, with the figures."""
import json
import shutil

import harness

RECORDS = 100_000
CONFLICTS = 1_000
DIFFERENT = 10


class Measures(harness.GridTest):
    def device(self, name, server):
        return ("--store", self.path(name), "--target", server.url)

    def sync(self, device):
        moved = json.loads(self.gridctl(*device, "sync", "-o", "json", "--timeout", "10m"))
        self.assertTrue(moved["converged"])
        return moved

    def imported(self, device, owner, records):
        """Puts rows of which the first CONFLICTS have keys that every owner uses, without a server."""
        rows = (f"{'both' if i < CONFLICTS else owner}/{i},{i / 8},{owner}\n" for i in range(records))
        file = self.file(owner + ".csv", "id,reading,owner\n" + "".join(rows))
        self.gridctl(*device, "--offline", "import", "m", file)

    # SYN-1
    def test_two_devices_of_100_000_records_with_1_000_conflicts_converge(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        self.imported(a, "a", RECORDS)
        self.imported(b, "b", RECORDS)
        for device in (a, b, a):
            print(self.sync(device))
        exported = self.gridctl(*a, "--offline", "export", "m")
        self.assertEqual(len(exported.splitlines()), 2 * RECORDS - CONFLICTS)
        for other in ((*b, "--offline"), ("--target", gateway.url)):
            self.assertTrue(self.gridctl(*other, "export", "m") == exported, f"another export at {other}")
        both = [json.loads(line)["value"] for line in exported.splitlines() if line.startswith('{"key":"both/')]
        winners = {value["owner"] for value in both}
        self.assertEqual(winners, {"b"}, "b wrote later")

    def test_an_unchanged_reconnect_is_one_round_trip_of_200_bytes(self):
        gateway = self.server()
        a = self.device("a", gateway)
        self.imported(a, "a", 2_000)
        self.sync(a)
        self.sync(a)
        again = self.sync(a)
        print(again)
        self.assertLessEqual(again["round_trips"], 1)
        self.assertLessEqual(again["bytes_sent"] + again["bytes_received"], 200)

    # The gateway is restored from a backup that lacks the last writes, so the device's cursor does not stand.
    def test_10_of_100_000_that_differ_are_found_in_5_round_trips_and_16_kib(self):
        gateway = self.server()
        a = self.device("a", gateway)
        self.imported(a, "a", RECORDS)
        self.sync(a)
        gateway.stop()
        shutil.copytree(self.path("gateway"), self.path("backup"))
        gateway = self.server(listen=gateway.listen())
        cells = [f'{{"id":"lost/{i}","v":{i}}}' for i in range(DIFFERENT)]
        self.gridctl(*a, "import", "m", self.file("lost.ndjson", "\n".join(cells)))
        self.sync(a)
        gateway.stop()
        gateway = self.server("backup", listen=gateway.listen())
        walked = self.sync(a)
        print(walked)
        self.assertLessEqual(walked["round_trips"], 5)
        self.assertLessEqual(walked["bytes_sent"] + walked["bytes_received"], 16 * 1024 + 60 * DIFFERENT)
        keys = self.gridctl("--target", gateway.url, "ls", "m", "lost/", "-o", "raw").split()
        self.assertEqual(keys, [f"lost/{i}" for i in range(DIFFERENT)], "the gateway did not get back what it lost")


if __name__ == "__main__":
    harness.main()
