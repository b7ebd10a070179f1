"""What broken and hostile HTTP gets."""

import re
import time

import pytest

from raw import exchange, open_socket, read_answer, request
from servers import get

pytestmark = pytest.mark.usefixtures("unharmed")

HOST = "Host: localhost"


def framing(*headers, body=b"", version="HTTP/1.1"):
    return request(method="POST", headers=(HOST, *headers), body=body, version=version)


CHUNKED = "Transfer-Encoding: chunked"
BAD_REQUESTS = {
    "length and chunked": framing("Content-Length: 3", CHUNKED, body=b"0\r\n\r\n"),
    "two lengths": framing("Content-Length: 3", "Content-Length: 4", body=b"abcd"),
    "length +5": framing("Content-Length: +5", body=b"abcde"),
    "length -1": framing("Content-Length: -1"),
    "length 0x5": framing("Content-Length: 0x5", body=b"abcde"),
    "length empty": framing("Content-Length:"),
    "length of 20 digits": framing("Content-Length: 99999999999999999999"),
    "chunked not last": framing("Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "chunked twice": framing("Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked on HTTP/1.0": framing(CHUNKED, body=b"0\r\n\r\n", version="HTTP/1.0"),
    "chunk size not hexadecimal": framing(CHUNKED, body=b"xyz\r\nabc\r\n0\r\n\r\n"),
    "chunk size of 17 digits": framing(CHUNKED, body=b"10000000000000000\r\n"),
    "chunk longer than said": framing(CHUNKED, body=b"3\r\nabcdef\r\n0\r\n\r\n"),
    "chunk shorter than said": framing(CHUNKED, body=b"5\r\nabc\r\n0\r\n\r\n"),
    "bare LF": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "bare LF in a header": b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
    "space before the colon": request(headers=(HOST, "X : y")),
    "NUL in a value": request(headers=(HOST, "X: a\0b")),
    "control byte in a value": request(headers=(HOST, "X: a\x01b")),
    "control byte in a name": request(headers=(HOST, "X\x01: a")),
    "no name": request(headers=(HOST, ": a")),
    "no Host": request(headers=("X: y",)),
    "two Hosts": request(headers=(HOST, HOST)),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("data", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_400_and_close(node, data):
    answer = exchange(node.port, data)
    assert answer.status == 400
    assert answer.closed


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "identity"])
def test_an_unknown_coding_is_refused(node, coding):
    answer = exchange(node.port, framing(f"Transfer-Encoding: {coding}", body=b"0\r\n\r\n"))
    assert answer.status in (400, 501)
    assert answer.closed


TOO_LARGE = {
    "header of 17 KiB": (431, request(headers=(HOST, "X: " + "a" * 17 * 1024))),
    "101 headers": (431, request(headers=(HOST, *(f"X{n}: y" for n in range(101))))),
    "endless header name": (431, request(headers=(HOST, "X" * 20_000))),
    "request line of 9 KiB": (414, request(target="/" + "a" * 9 * 1024)),
    "endless target": (414, b"GET /" + b"a" * 1_000_000),
}


@pytest.mark.parametrize("status, data", TOO_LARGE.values(), ids=TOO_LARGE)
def test_too_large_a_head(node, status, data):
    answer = exchange(node.port, data)
    assert answer.status == status
    assert answer.closed


METHODS = {
    "TRACE": ((405, 501), request(method="TRACE")),
    "CONNECT": ((405, 501), request(method="CONNECT", target="localhost:80")),
    "unknown": ((405, 501), request(method="BREW")),
    "HTTP/9.9": ((505,), request(version="HTTP/9.9")),
}


@pytest.mark.parametrize("statuses, data", METHODS.values(), ids=METHODS)
def test_methods_and_versions(node, statuses, data):
    with open_socket(node.port) as connection:
        connection.settimeout(2)
        connection.sendall(data)
        assert read_answer(connection).status in statuses


BEHIND_NGINX = {
    **BAD_REQUESTS,
    **{kind: data for kind, (_, data) in {**TOO_LARGE, **METHODS}.items()},
    **{f"coding {coding}": framing(f"Transfer-Encoding: {coding}", body=b"0\r\n\r\n")
       for coding in ("gzip", "gzip, chunked", "identity")},
}


@pytest.mark.parametrize("kind", BEHIND_NGINX)
def test_a_refusal_reaches_the_client_through_nginx(nginx, kind):
    """nginx refuses most by itself, and a lone LF it makes a whole end of line."""
    with open_socket(nginx.port) as connection:
        try:
            connection.sendall(BEHIND_NGINX[kind])
        except (BrokenPipeError, ConnectionResetError):
            pass
        status = int(connection.recv(4096).split()[1])
    assert status in ((404,) if kind.startswith("bare LF") else (400, 405, 414, 431, 501, 505))


@pytest.mark.parametrize("target", [
    "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/%252e%252e/etc/passwd",
    "/..\\..\\etc\\passwd", "/..%5c..%5cetc%5cpasswd", "/%00", "/ws%00", "/a%00/../ws",
    "/%0d%0aX-Injected:%20yes", "/?x=%0d%0aX-Injected:%20yes", "/%zz", "/\x7f", "//etc/passwd",
])
def test_paths_that_lead_astray(entrance, target):
    answer = exchange(entrance.port, request(target, headers=(HOST, "Connection: close")))
    assert answer.status in (400, 404)
    assert "x-injected" not in answer.headers
    assert b"root:" not in answer.body


@pytest.mark.parametrize("seconds_between", [0, 0.5], ids=["stalled", "dripping"])
def test_a_head_that_takes_longer_than_10_s_gets_408(node, seconds_between):
    with open_socket(node.port) as connection:
        started = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        connection.settimeout(seconds_between or 15)
        answer = drip_until_answered(connection, seconds_between)
        assert answer.startswith(b"HTTP/1.1 408")
        assert 9 < time.monotonic() - started < 13


def drip_until_answered(connection, seconds_between):
    while True:
        try:
            return connection.recv(4096)
        except TimeoutError:
            assert seconds_between, "no answer"
            connection.sendall(b"a")


def test_a_dripping_body_is_cut_off(node):
    with open_socket(node.port) as connection:
        connection.settimeout(0.5)
        connection.sendall(framing("Content-Length: 60000"))
        started = time.monotonic()
        answer = drip_until_answered(connection, 0.5)
        assert answer[9:12] in (b"404", b"405", b"408")
        assert time.monotonic() - started < 30


def test_pipelined_requests_of_a_peer_that_does_not_read_stop_at_a_limit(node):
    with open_socket(node.port) as connection:
        connection.settimeout(2)
        data, sent = request("/nothing") * 1000, 0
        with pytest.raises(TimeoutError):
            while sent < 100 * 1024 * 1024:
                sent += connection.send(data)


def test_pipelined_requests_are_answered_in_order(node):
    with open_socket(node.port) as connection:
        connection.sendall(request("/one") * 9 + request(
            "/last", headers=(HOST, "Connection: close")))
        data = b""
        while chunk := connection.recv(65536):
            data += chunk
        assert len(re.findall(rb"HTTP/1.1 404", data)) == 10


def test_unknown_paths_add_no_metric_series(node):
    before = set(node.metrics())
    with open_socket(node.port) as connection:
        stream = connection.makefile("rb")
        for batch in range(500):
            connection.sendall(b"".join(request(f"/x{batch}-{n}") for n in range(100)))
            for _ in range(100):
                skip_response(stream)
    # Requests to the operations port count too, so one may have appeared for /metrics itself.
    assert len(set(node.metrics()) - before) <= 1


def skip_response(stream):
    assert b" 404 " in stream.readline()
    length = 0
    while (line := stream.readline()) != b"\r\n":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    stream.read(length)


def test_forwarded_addresses_of_strangers_are_ignored(node):
    answer = exchange(node.port, request("/nothing", headers=(
        HOST, "X-Forwarded-For: 203.0.113.7", "Connection: close")))
    assert answer.status == 404
    assert not any("203.0.113.7" in line for line in node.log_lines())


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operations_are_served_while_others_misbehave(node, path):
    connections = [open_socket(node.port) for _ in range(50)]
    for connection in connections:
        connection.sendall(b"GET / HTTP/1.1\r\nHost:")
    assert get(node.ops_port, path)[0] == 200
    for connection in connections:
        connection.close()


def test_a_request_cut_at_every_byte_is_answered_the_same(entrance):
    data = request("/nothing", headers=(HOST, "Connection: close"))
    with open_socket(entrance.port) as connection:
        for index in range(len(data)):
            connection.sendall(data[index:index + 1])
        assert read_answer(connection).status == 404
