# SPDX-License-Identifier: Apache-2.0
"""What stands in front of a gateway that speaks no TLS itself: certificates made for one test, and a proxy with one."""
import select
import socket
import ssl
import subprocess
import threading

NAME = "gateway.test"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Signs certificates on P-256, with SHA-256; they and its own are files in `folder`."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name, self.above = folder, name, None
        self.certificate = folder / f"{name}.pem"
        self._key(name)
        openssl("req", "-x509", "-new", "-sha256", "-key", folder / f"{name}.key", "-days", 3650,
                "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign", "-out", self.certificate)

    def _key(self, name):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.folder / f"{name}.key")

    def der(self):
        """Its own certificate, in DER."""
        path = self.folder / f"{self.name}.der"
        openssl("x509", "-in", self.certificate, "-outform", "DER", "-out", path)
        return path

    def deputy(self, name):
        """An authority that this one has signed; what it signs comes with its own certificate."""
        deputy = Authority.__new__(Authority)
        deputy.folder, deputy.name, deputy.above = self.folder, name, self
        may_sign = "basicConstraints=critical,CA:true\nkeyUsage=keyCertSign\n"
        deputy.certificate, _ = self._sign(name, name, may_sign, None)
        return deputy

    def sign(self, name=NAME, dates=None, usage="serverAuth"):
        """The files of a certificate for `name`, and of its key. `dates`: from when to when it is valid, in ASN.1."""
        stem = f"{self.name}-{name}-{'dated' if dates else 'now'}"
        signed, key = self._sign(
            stem, name, f"subjectAltName=DNS:{name}\nkeyUsage=digitalSignature\nextendedKeyUsage={usage}\n", dates)
        chain, signer = signed.read_text(), self
        while signer.above:
            chain, signer = chain + signer.certificate.read_text(), signer.above
        signed.write_text(chain)
        return signed, key

    def _sign(self, stem, name, extensions, dates):
        self._key(stem)
        key, request, extra, signed, configuration, index = (
            self.folder / f"{stem}.{kind}" for kind in ("key", "csr", "ext", "pem", "cnf", "index"))
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        extra.write_text(extensions)
        index.write_text("")
        configuration.write_text(
            f"[ca]\ndefault_ca=one\n[one]\ndatabase={index}\nnew_certs_dir={self.folder}\ndefault_md=sha256\n"
            "policy=any\nrand_serial=yes\n[any]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-notext", "-config", configuration, "-cert", self.certificate,
                "-keyfile", self.folder / f"{self.name}.key", "-in", request, "-extfile", extra, "-out", signed,
                *(("-startdate", dates[0], "-enddate", dates[1]) if dates else ("-days", "30")))
        return signed, key


class Proxy:
    """Ends TLS in front of a gateway, at `port`. show() changes what it proves itself by, from the next link on."""

    def __init__(self, gateway, identity, version=ssl.TLSVersion.TLSv1_2, ciphers=None):
        self.gateway = int(gateway.url.rsplit(":", 1)[1])
        self.version, self.ciphers = version, ciphers
        self.troubles = []  # Of links that came to nothing, as OpenSSL tells them.
        self.agreed = []  # The version and the cipher suite of each link.
        self.show(identity)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def show(self, identity):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = self.version
        if self.ciphers:
            context.set_ciphers(self.ciphers)
        context.load_cert_chain(*identity)
        self.context = context

    def close(self):
        self.server.close()

    def _listen(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as secure, \
                    socket.create_connection(("127.0.0.1", self.gateway)) as plain:
                self.agreed.append((secure.version(), secure.cipher()[0]))
                self._carry(secure, plain)
        except OSError as trouble:
            self.troubles.append(str(trouble))

    @staticmethod
    def _carry(secure, plain):
        """Until one of the two has nothing more to say."""
        while True:
            ready = [secure] if secure.pending() else select.select([secure, plain], [], [])[0]
            for here, there in ((secure, plain), (plain, secure)):
                if here in ready:
                    data = here.recv(16384)
                    if not data:
                        return
                    there.sendall(data)
