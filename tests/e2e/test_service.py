# SPDX-License-Identifier: Apache-2.0
"""What a service manager hears of gridd from its start to its end, as sd_notify(3) has it."""
import signal
import socket

import harness


class Manager:
    """The socket that a service manager listens at, and all that was said there."""

    def __init__(self, test):
        self.path = test.path("notify")
        self.heard = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        test.addCleanup(self.socket.close)

    def listen(self):
        try:
            while True:
                self.heard.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return self.heard

    def wait_for(self, *words):
        """Waits until what was said holds these, in this order; what comes between them does not matter."""
        def came():
            said = iter(self.listen())
            return all(any(word in line for line in said) for word in words)
        harness.wait_until(came, f"{words} in {self.heard}")


class Service(harness.GridTest):
    def setUp(self):
        super().setUp()
        self.manager = Manager(self)

    def start_gateway(self, **environment):
        return self.server(env={"NOTIFY_SOCKET": self.manager.path, **environment})

    def test_it_is_up_when_it_listens_and_says_when_it_reloads_and_ends(self):
        gateway = self.start_gateway()
        self.manager.wait_for("STATUS=opens what it holds", f"READY=1\nSTATUS=listens at {gateway.url}")
        gateway.child.send_signal(signal.SIGHUP)
        self.manager.wait_for("READY=1", "RELOADING=1\nMONOTONIC_USEC=", "READY=1")
        self.assertEqual(gateway.stop(), 0)
        self.manager.wait_for("RELOADING=1", "STOPPING=1")

    def test_draining_is_told(self):
        gateway = self.start_gateway()
        self.manager.wait_for("READY=1")
        self.assertEqual(gateway.stop(signal.SIGUSR2), 0)
        self.manager.wait_for("READY=1", "STATUS=drains", "STOPPING=1")

    def test_an_idle_gateway_feeds_its_watchdog_again_and_again(self):
        self.start_gateway(WATCHDOG_USEC="200000")
        self.manager.wait_for("READY=1", *["WATCHDOG=1"] * 5)

    def test_one_that_cannot_start_never_says_that_it_is_up(self):
        self.start_gateway()
        self.manager.wait_for("READY=1")
        second = harness.Process([harness.program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data",
                                  self.path("gateway")], {"NOTIFY_SOCKET": self.manager.path})
        self.assertEqual(second.ended(), 1)
        self.assertEqual(sum("READY=1" in line for line in self.manager.listen()), 1)


if __name__ == "__main__":
    harness.main()
