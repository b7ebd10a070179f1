"""Bytes on a socket, for input that no library would send."""

import base64
import dataclasses
import os
import socket
import struct

TIMEOUT = 15
MASK = b"\x11\x22\x33\x44"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes
    closed: bool


def open_socket(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(port, request):
    """Sends bytes and reads until the server closes; the first response."""
    with open_socket(port) as connection:
        try:
            connection.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It may answer and close before it has read everything.
        return read_answer(connection)


def read_answer(connection):
    data, closed = b"", False
    try:
        while chunk := connection.recv(65536):
            data += chunk
        closed = True
    except ConnectionResetError:
        closed = True
    except TimeoutError:
        pass
    assert data, "the connection ended without an answer" if closed else "no answer"
    head, _, body = data.partition(b"\r\n\r\n")
    return Answer(*parse_head(head), body, closed)


def parse_head(head):
    """Status and headers; a header that comes twice has its values joined by a comma."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.lower()
        headers[name] = f"{headers[name]},{value.strip()}" if name in headers else value.strip()
    return int(first.split()[1]), headers


def request(target="/", method="GET", version="HTTP/1.1", headers=("Host: localhost",), body=b""):
    lines = [f"{method} {target} {version}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def upgrade_headers(**changes):
    """The lines of a correct opening handshake; a change of None drops a line."""
    headers = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade",
               "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return [f"{name}: {value}" for name, value in headers.items() if value is not None]


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None, width=None):
    """A client's frame. `length` and `width` (bits) override what the header says."""
    size = len(payload) if length is None else length
    width = width or (7 if size < 126 else 16 if size < 65536 else 64)
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if masked else 0
    match width:
        case 7: header = struct.pack("!BB", first, bit | size)
        case 16: header = struct.pack("!BBH", first, bit | 126, size)
        case 64: header = struct.pack("!BBQ", first, bit | 127, size)
    if not masked:
        return header + payload
    repeated = (MASK * (len(payload) // 4 + 1))[:len(payload)]
    masked_payload = (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(len(payload))
    return header + MASK + masked_payload


class WebSocket:
    """A raw WebSocket; its server frames are parsed, its own are whatever is asked for."""

    def __init__(self, port, target="/ws", receive_buffer=None, **headers):
        self.connection = socket.socket()
        if receive_buffer:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.connection.settimeout(TIMEOUT)
        self.connection.connect(("127.0.0.1", port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.connection.makefile("rb")
        self.connection.sendall(request(target, headers=upgrade_headers(**headers)))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.stream.read(1)
            assert byte, head
            head += byte
        self.status, self.headers = parse_head(head)
        assert self.status == 101, head

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.connection.close()

    def send(self, data):
        """Sends what the server still takes."""
        try:
            self.connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def rest(self):
        """All frames until the end."""
        return list(iter(self.receive, None))

    def receive(self):
        """The next frame's opcode and payload; None at the end of the stream."""
        received = self.receive_frame()
        return received and (received[0], received[2])

    def receive_frame(self):
        """The next frame's opcode, reserved bits and payload; None at the end of the stream."""
        try:
            header = self.stream.read(2)
            if len(header) < 2:
                return None
            size = header[1] & 0x7F
            if size >= 126:
                size = int.from_bytes(self.stream.read(2 if size == 126 else 8))
            return header[0] & 0x0F, header[0] >> 4 & 7, self.stream.read(size)
        except ConnectionResetError:
            return None

    def close_code(self):
        """Reads until the close frame; its code."""
        while received := self.receive():
            opcode, payload = received
            if opcode == CLOSE:
                return int.from_bytes(payload[:2])
        raise AssertionError("the stream ended without a close frame")
