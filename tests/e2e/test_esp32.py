# SPDX-License-Identifier: Apache-2.0
"""The sensor of ports/esp32, its source as it stands, on a fake of ESP-IDF: what it measures is seen by gridctl."""
import signal

import harness


class Sensor(harness.GridTest):
    def sensor(self, url, *name):
        process = harness.Process([harness.program("esp32_sensor"), url, *name])
        self.addCleanup(lambda: process.child.poll() is None and process.stop(signal.SIGKILL))
        return process

    def rows(self, server):
        return self.gridctl("--target", server.url, "-o", "ndjson", "ls", "climate")

    def test_two_sensors_are_seen_in_gridctl_under_the_names_of_their_settings(self):
        server = self.server()
        self.sensor(server.url)
        self.sensor(server.url, "bench-3")
        rows = harness.wait_until(lambda: "bench-3" in (seen := self.rows(server)) and "esp32-0b2c3d" in seen and seen,
                                  "two rows in gridctl")
        self.assertEqual(rows.count('"celsius":41.5'), 2, rows)

    def test_a_sensor_without_a_gateway_goes_on_and_says_so(self):
        sensor = self.sensor("ws://127.0.0.1:1")
        harness.wait_until(lambda: any("1 writes to send" in line for line in sensor.errors), "a pending write")
        self.assertIsNone(sensor.child.poll())


if __name__ == "__main__":
    harness.main()
