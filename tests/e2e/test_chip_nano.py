# SPDX-License-Identifier: Apache-2.0
"""A device of the smallest profile, kNano with 256 cells, in an emulator and against a real gateway. It does what
larger ones do; what it can't take, it says."""
import json
import signal

import harness
import test_chip


class ChipNano(test_chip.ChipTest):
    firmware = "device_nano"

    assert_goes_on = test_chip.Chip.assert_goes_on
    assert_wears = test_chip.Chip.assert_wears

    test_it_gets_the_time = test_chip.Chip.test_a_device_that_knows_no_time_gets_it_and_so_do_its_first_writes
    test_it_works_offline = test_chip.Chip.test_what_is_written_while_the_gateway_is_down_arrives_when_it_is_back
    # STO-1
    test_kills_cost_it_no_row = test_chip.Chip.test_no_row_that_was_kept_is_lost_by_kill_9_at_any_moment
    # SYN-1
    test_it_holds_what_linux_holds = test_chip.Chip.test_a_device_and_a_client_on_linux_hold_the_same_to_the_byte
    test_it_is_looked_into = test_chip.Chip.test_gridctl_sees_what_is_pending_while_there_is_no_gateway

    # BND-1
    def test_a_value_that_it_has_no_room_for_reaches_it_as_a_stub_and_stands_in_nobodys_way(self):
        gateway = self.server()
        at_gateway = ("--target", gateway.url, "--app", "farm")
        self.gridctl(*at_gateway, "put", "climate", "plan", json.dumps({"text": "x" * 1_000}))
        device = self.device(gateway, mode="sample", period=20)
        self.gridctl(*at_gateway, "put", "climate", "fan/3", '{"on": true}')
        harness.wait_until(lambda: "fan fan/3 1" in device.lines, "the device to hear of the fan")
        harness.wait_until(lambda: len(self.at_gateway(gateway)) >= 12, "rows at the gateway")
        device.stop(signal.SIGKILL)
        self.finish(self.device(gateway, mode="once", rows=200))
        self.assert_has_all(gateway, device.rows())
        self.assertEqual(self.at_gateway(gateway)["plan"], {"text": "x" * 1_000})


if __name__ == "__main__":
    harness.main()
