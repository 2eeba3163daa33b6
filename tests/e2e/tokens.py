# SPDX-License-Identifier: Apache-2.0
"""JSON Web Tokens for tests, signed with nothing but Python: HS256, and RS256 with textbook RSA over OpenSSL's keys."""
import base64
import hashlib
import hmac
import json
import subprocess
import time


def base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(head, claims):
    return ".".join(base64url(json.dumps(part).encode()) for part in (head, claims))


class Secret:
    """A key for HS256; `text` is what its file holds."""

    algorithm = "HS256"
    suffix = "hs256"

    def __init__(self, text):
        self.text = text

    def sign(self, text):
        return hmac.new(self.text.encode(), text.encode(), hashlib.sha256).digest()


class Rsa:
    """A key for RS256, made and used by openssl in `folder`."""

    algorithm = "RS256"
    suffix = "pem"

    def __init__(self, folder, name):
        self.private = str(folder / f"{name}.key")
        subprocess.run(["openssl", "genrsa", "-out", self.private, "2048"], check=True, capture_output=True)
        self.text = subprocess.run(["openssl", "rsa", "-in", self.private, "-pubout"], check=True,
                                   capture_output=True).stdout.decode()

    def sign(self, text):
        return subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.private], input=text.encode(), check=True,
                              capture_output=True).stdout


def token(key, kid, sub, lasts=600, **claims):
    """A token that ends in `lasts` seconds."""
    text = unsigned({"alg": key.algorithm, "kid": kid, "typ": "JWT"},
                    {"sub": sub, "exp": int(time.time()) + lasts, **claims})
    return text + "." + base64url(key.sign(text))
