# SPDX-License-Identifier: Apache-2.0
"""The device's end of a line, as a test plays it: packets of docs/WIRE.md by hand, right or wrong."""
import os
import random
import select
import socket
import struct
import threading
import tty

OPEN, OPENED, FRAME, PING, PONG, CLOSE = 1, 2, 3, 4, 5, 6
INSPECT_ASK, INSPECT_REPLY = 20, 21


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def stuffed(packet):
    out, block = bytearray(b"\0"), bytearray()
    for byte in packet + b"\0":
        if byte != 0:
            block.append(byte)
        if byte == 0 or len(block) == 254:
            out += bytes([len(block) + 1]) + block
            block.clear()
    return bytes(out + b"\0")


def unstuffed(text):
    out, at = bytearray(), 0
    while at < len(text):
        code = text[at]
        out += text[at + 1:at + code]
        at += code
        if code != 255 and at < len(text):
            out.append(0)
    return bytes(out)


def packet(kind, session, number, payload=b""):
    body = struct.pack("<BHH", kind, session, number) + len(payload).to_bytes(3, "little") + payload
    return stuffed(body + struct.pack("<I", crc32c(body)))


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """A field of a message: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(message):
    """{number: value} of a message of numbers and bytes."""
    found, at = {}, 0

    def take():
        nonlocal at
        number, shift = 0, 0
        while True:
            byte = message[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(message):
        tag = take()
        if tag & 7 == 2:
            size = take()
            found[tag >> 3] = message[at:at + size]
            at += size
        else:
            found[tag >> 3] = take()
    return found


def text_value(text):
    return field(5, text.encode())


def record(**values):
    """The encoding of a record of texts and whole numbers."""
    out = b""
    for name in sorted(values):
        value = values[name]
        encoded = text_value(value) if isinstance(value, str) else field(3, value << 1)
        out += field(1, field(1, name.encode()) + field(2, encoded))
    return field(10, out)


def op(key=b"", value=b"", map_=b"", seq=0, stamp=b"\1" * 16):
    parts = (field(1, seq) if seq else b"") + (field(2, map_) if map_ else b"") + (field(3, key) if key else b"")
    return parts + (field(5, stamp) if key else b"") + (field(7, value) if value else b"")


def reply(ask, ops=(), last=True, status=0):
    head = field(1, ask[1]) + (field(5, status) if status else b"")
    return bytes([INSPECT_REPLY]) + head + b"".join(field(15, one) for one in ops) + (field(7, 1) if last else b"")


STATUS = {"app": "farm", "protocol": 1, "shared": 0, "state": "realtime", "software": "a test"}


def status_reply(ask, **changed):
    return reply(ask, [op(b"status", record(**{**STATUS, **changed}), b"inspect")])


class Peer(threading.Thread):
    """A device on a Unix socket. `answer(ask)` gives the frames to send: ask is {field: value} of what was asked.

    `opened` is sent in place of the answer to open; None: the right one."""

    def __init__(self, path, answer, opened=None, version=1):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.answer, self.opened, self.version = answer, opened, version
        self.asks = []
        self.start()

    def run(self):
        while True:
            try:
                self.link, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.serve()
            except OSError:
                pass
            self.link.close()

    def serve(self):
        heard, session, number = b"", 0, 0
        while chunk := self.link.recv(65536):
            *texts, heard = (heard + chunk).split(b"\0")
            for text in filter(None, texts):
                body = unstuffed(text)
                kind, session = struct.unpack("<BH", body[:3])
                if kind == OPEN:
                    number = 0
                    opened = packet(OPENED, session, 0, bytes([self.version])) if self.opened is None else self.opened
                    self.link.sendall(opened)
                if kind != FRAME:
                    continue
                ask = fields(body[9:-4])
                self.asks.append(ask)
                for frame in self.answer(self, ask):
                    self.link.sendall(packet(FRAME, session, number, frame))
                    number = number + 1 & 0xFFFF

    def hang_up(self):
        self.link.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


class Noise:
    """What a bad line does to what it carries: to `rate` of the bytes, one is changed, one comes from nowhere, or it is
    lost. Its seed says which."""

    def __init__(self, seed, rate):
        self.chance, self.rate = random.Random(seed), rate

    def __call__(self, data, _):
        out = bytearray()
        for byte in data:
            kind = self.chance.randrange(3) if self.chance.random() < self.rate else None
            if kind == 0:
                out.append(byte ^ 1 << self.chance.randrange(8))
            elif kind == 1:
                out += bytes([byte, self.chance.randrange(256)])
            elif kind is None:
                out.append(byte)
        return bytes(out)


class Cable(threading.Thread):
    """A pseudo terminal that stands for a serial line, with a device's Unix socket at its other end.

    `disturb(bytes, number)` is what becomes of what the device sent, chunk by chunk; None: it is unplugged. What nobody
    reads is lost, as a serial line waits for nobody. `disturb_asks` is for the other direction."""

    def __init__(self, path, disturb=lambda data, number: data, disturb_asks=lambda data, number: data):
        super().__init__(daemon=True)
        self.ours, self.theirs = os.openpty()  # Both held open, so that the line stays when gridctl leaves it.
        tty.setraw(self.theirs)
        os.set_blocking(self.ours, False)
        self.name = os.ttyname(self.theirs)
        self.link = socket.socket(socket.AF_UNIX)
        self.link.connect(path)
        self.disturb, self.disturb_asks = disturb, disturb_asks
        self.start()

    def run(self):
        try:
            self.carry()
        except OSError:
            pass
        self.link.close()
        os.close(self.theirs)
        os.close(self.ours)

    def carry(self):
        number = 0
        while True:
            ready, _, _ = select.select([self.ours, self.link], [], [])
            if self.ours in ready:
                self.link.sendall(self.disturb_asks(os.read(self.ours, 4096), number))
            if self.link not in ready:
                continue
            data = self.link.recv(4096)
            if not data:
                return
            data = self.disturb(data, number)
            number += 1
            if data is None:
                return
            while data and select.select([], [self.ours], [], 1)[1]:
                data = data[os.write(self.ours, data):]

    def pull(self):
        """Unplugs it."""
        try:
            self.link.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join()
