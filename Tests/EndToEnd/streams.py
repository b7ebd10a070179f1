"""HTTP/1.1 responses read as they come: head, chunks, end."""

import socket
import urllib.parse

from raw import parse_head

TIMEOUT = 15


class Connection:
    """A connection that carries one request after the other."""

    def __init__(self, url, timeout=TIMEOUT):
        parts = urllib.parse.urlsplit(url)
        self.host = parts.netloc
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")

    def request(self, method, target, headers=(), body=None, version="1.1"):
        """Sends a request; returns its response, of which only the head is read."""
        fields = {"Host": self.host, **dict(headers)}
        content = (body or "").encode()
        if body is not None or method == "POST":
            fields["Content-Length"] = str(len(content))
        lines = [f"{method} {target} HTTP/{version}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + content)
        return Response(self.stream, method)

    def close(self):
        """Ends the connection, under a thread that reads from it too."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The server has ended it.
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Response:
    def __init__(self, stream, method):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            assert line, f"the connection ended within the head {head}"
            head += line
        self.stream = stream
        self.version = head[5:8].decode()
        self.status, self.headers = parse_head(head.removesuffix(b"\r\n\r\n"))
        self.is_chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.has_body = method != "HEAD" and self.status not in (101, 204, 304)

    def bytes(self, count):
        """Exactly so many bytes of the connection."""
        data = self.stream.read(count)
        assert len(data) == count, f"the connection ended behind {data}"
        return data

    def chunk(self):
        """The next chunk's text; empty behind the last one."""
        assert self.is_chunked, self.headers
        size = int(self.stream.readline(), 16)
        return self.bytes(size + 2)[:-2].decode()

    def read(self):
        """The rest of the response's text."""
        if not self.has_body:
            return ""
        if self.is_chunked:
            return "".join(iter(self.chunk, ""))
        if (length := self.headers.get("content-length")) is not None:
            return self.bytes(int(length)).decode()
        return self.stream.read().decode()


def exchange(url, method, target, headers=(), body=None, timeout=TIMEOUT):
    """A whole exchange on a connection of its own; its response and text."""
    with Connection(url, timeout) as connection:
        response = connection.request(method, target, headers, body)
        return response, response.read()
