# SPDX-License-Identifier: Apache-2.0
"""A device on a bare machine that speaks TLS, and a proxy that ends it in front of a real gateway. The proxy is
OpenSSL's: mbedTLS is not at both ends."""
import json
import re
import secure
import signal
import socket

import harness
import test_chip

SUITE = "ECDHE-ECDSA-AES128-GCM-SHA256"
EXPIRED = ("20240101000000Z", "20250101000000Z")
TLS_BYTES = 16 * 1024  # Of BareTlsHost.


class ChipTls(test_chip.ChipTest):
    firmware = "device_tls"

    def setUp(self):
        super().setUp()
        self.authority = secure.Authority(self.folder)
        self.gateway = self.server()

    def proxy(self, identity=None, **options):
        proxy = secure.Proxy(self.gateway, identity or self.authority.sign(), **options)
        self.addCleanup(proxy.close)
        return proxy

    def secure_device(self, port, name=secure.NAME, certificate=None, **words):
        words = {"certificate": certificate or self.authority.certificate, "address": test_chip.HOST, **words}
        device = test_chip.Device(str(self.elf), self.image, server=f"wss://{name}:{port}", **words)
        self.addCleanup(lambda: device.child.poll() is None and device.stop(signal.SIGKILL))
        return device

    def refused(self, port, **words):
        """A device that gets to no gateway, and the first that it says about that."""
        device = self.secure_device(port, mode="sample", period=20, **words)
        problem = harness.wait_until(lambda: device.line("problem"), "a problem")
        return device, problem.removeprefix("problem ")

    def assert_refused(self, sentence, port, **words):
        device, problem = self.refused(port, **words)
        self.assertEqual(problem, sentence)
        device.stop(signal.SIGKILL)
        self.assertEqual(self.at_gateway(self.gateway), {})
        return device

    def memory(self, device):
        stack, tls = map(int, re.fullmatch(r"memory stack (\d+) tls (\d+)", device.line("memory")).groups())
        return stack, tls

    # SYN-1
    def test_a_device_and_a_client_on_linux_hold_the_same_to_the_byte_through_tls(self):
        proxy = self.proxy()
        here = ("--store", self.path("here"), "--target", self.gateway.url, "--app", "farm")
        device = self.secure_device(proxy.port, mode="sample", period=20)
        harness.wait_until(lambda: len(device.rows()) >= 10, "rows")
        self.gridctl(*here, "put", "climate", "fan/3", '{"on": true}')
        harness.wait_until(lambda: "fan fan/3 1" in device.lines, "the device to hear of the fan")
        device.stop(signal.SIGKILL)
        device = self.finish(self.secure_device(proxy.port, mode="once", rows=3))
        self.assertEqual(set(proxy.agreed), {("TLSv1.2", SUITE)})
        self.assert_has_all(self.gateway, device.rows())
        self.gridctl(*here, "sync", "--map", "climate")
        merkle = json.loads(self.gridctl(*here, "-o", "json", "--offline", "merkle", "climate"))[0]
        self.assertEqual(device.line("digest"), f"digest {merkle['root']} {merkle['cells']}")
        self.assertGreater(merkle["cells"], 13)

    def test_a_gateway_that_sends_much_at_once_keeps_its_records_as_small_as_the_device_asks_for(self):
        rows = "".join(json.dumps({"key": f"shelf/{n:03}", "value": "x" * 700}) + "\n" for n in range(200))
        here = ("--store", self.path("here"), "--target", self.gateway.url, "--app", "farm")
        self.gridctl(*here, "import", "climate", self.file("rows.ndjson", rows))
        device = self.finish(self.secure_device(self.proxy().port, mode="once"))
        self.assertRegex(device.line("digest"), r"^digest \w+ 200$")

    # BND-1
    def test_links_one_after_another_leave_nothing_behind_and_find_their_memory_again(self):
        proxy = self.proxy()
        device = self.finish(self.secure_device(proxy.port, mode="reconnect", rows=25))
        self.assertRegex(device.line("links"), r"links 25 most \d+ left 0")
        self.assertEqual(len(proxy.agreed), 25)
        self.assert_has_all(self.gateway, device.rows())

    def test_what_tls_takes(self):
        url = f"ws://{test_chip.HOST}:{self.gateway.url.rsplit(':', 1)[1]}"
        plain = self.finish(test_chip.Device(str(self.elf), self.image, mode="once", server=url))
        chain = self.authority.deputy("deputy").deputy("deputy-of-deputy").sign()
        for what, identity in (("a certificate", self.authority.sign()), ("a chain of three", chain)):
            device = self.finish(self.secure_device(self.proxy(identity).port, mode="once"))
            stack, tls = self.memory(device)
            print(f"{what}: {tls} of {TLS_BYTES} bytes, stack {stack} (plain {self.memory(plain)[0]}), "
                  f"{device.line('synced')} (plain {plain.line('synced')})", flush=True)
            self.assertLess(tls, TLS_BYTES)

    def test_a_root_in_der_serves_as_one_in_pem(self):
        self.finish(self.secure_device(self.proxy().port, certificate=self.authority.der(), mode="once"))

    def test_a_gateway_of_another_name_is_refused_again_and_again_and_nothing_is_lost(self):
        proxy = self.proxy()
        device, problem = self.refused(proxy.port, name="other.test")
        self.assertEqual(problem, "the server's certificate is for another name than other.test")
        harness.wait_until(lambda: len(proxy.troubles) >= 3, "another try, and another")
        device.stop(signal.SIGKILL)
        self.assertEqual((proxy.agreed, self.at_gateway(self.gateway)), ([], {}))
        self.finish(self.secure_device(proxy.port, mode="once"))
        self.assert_has_all(self.gateway, device.rows())

    def test_a_gateway_whose_certificate_is_from_somebody_else_is_refused(self):
        stranger = secure.Authority(self.folder, "stranger")
        proxy = self.proxy(stranger.sign())
        self.assert_refused("the server's certificate is not from whom this device trusts", proxy.port)
        self.assertEqual(proxy.agreed, [])

    def test_a_gateway_that_speaks_no_tls_is_refused(self):
        self.assert_refused("TLS: the server refuses, with alert 40", self.gateway.url.rsplit(":", 1)[1])

    def test_a_gateway_that_speaks_another_cipher_suite_is_refused_with_its_alert(self):
        proxy = self.proxy(ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
        self.assert_refused("TLS: the server refuses, with alert 40", proxy.port)

    def long_chain(self, more):
        """A good certificate, with so many others behind it that nobody needs."""
        certificate, key = self.authority.sign()
        certificate.write_text(certificate.read_text() + more * self.authority.certificate.read_text())
        return certificate, key

    def test_certificates_that_are_more_than_a_record_holds_are_refused(self):
        self.assert_refused("TLS: the server's certificates are more than there is room for",
                            self.proxy(self.long_chain(10)).port)

    # BND-1
    def test_memory_that_certificates_used_up_is_there_again_for_the_next_link(self):
        proxy = self.proxy(self.long_chain(7))
        device, problem = self.refused(proxy.port)
        # Where it ran out decides what mbedTLS says of it.
        self.assertRegex(problem, "^(TLS: |the server's certificate is not from whom this device trusts$)")
        harness.wait_until(lambda: len(proxy.troubles) >= 3, "another try, and another")
        self.assertEqual(proxy.agreed, [])
        proxy.show(self.authority.sign())
        last = max(device.rows())
        harness.wait_until(lambda: last in self.at_gateway(self.gateway), "the rows to arrive")

    def test_a_server_that_never_says_a_word_holds_the_device_no_longer_than_its_deadline(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            device = self.secure_device(mute.getsockname()[1], mode="once", rows=1, deadline=1_000)
            self.assertIn(" pending 1 ", self.finish(device, code=1).line("status"))

    def test_without_a_root_nobody_is_trusted(self):
        self.assert_refused("wss:// needs a certificate to judge the server's by", self.proxy().port,
                            certificate=self.path("nowhere.pem"))

    def test_a_device_that_knows_no_time_learns_it_from_a_gateway_and_then_refuses_its_old_certificate(self):
        proxy = self.proxy(self.authority.sign(dates=EXPIRED))
        _, problem = self.refused(proxy.port)
        self.assertEqual(problem, "the server's certificate has expired")
        self.refusal_for_its_date(proxy)
        self.assertEqual(len(proxy.agreed), 1, "the link over which it learnt the time")

    def refusal_for_its_date(self, proxy):
        harness.wait_until(lambda: any("expired" in trouble for trouble in proxy.troubles), "a refusal for its date")

    def test_a_certificate_that_expires_and_is_renewed_costs_no_row(self):
        proxy = self.proxy()
        device = self.secure_device(proxy.port, mode="sample", period=20)
        harness.wait_until(lambda: len(self.at_gateway(self.gateway)) >= 5, "rows at the gateway")
        proxy.show(self.authority.sign(dates=EXPIRED))
        self.gateway.stop(signal.SIGKILL)
        self.gateway = self.server(listen=self.gateway.listen())
        links = len(proxy.agreed)
        self.refusal_for_its_date(proxy)
        self.assertEqual(len(proxy.agreed), links)
        proxy.show(self.authority.sign())
        last = max(device.rows())
        harness.wait_until(lambda: last in self.at_gateway(self.gateway), "the rows to arrive")

    def test_a_root_that_cannot_be_read_is_refused_when_the_node_is_opened(self):
        for junk in ("-----BEGIN CERTIFICATE-----\nnonsense\n", "nonsense"):
            device = self.secure_device(1, certificate=self.file("junk.pem", junk), mode="once")
            self.finish(device, code=1)
            self.assertIn("cannot open: invalid: the certificate that is to be trusted can't be read", device.lines[-1])


if __name__ == "__main__":
    harness.main()
