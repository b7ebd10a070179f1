"""What broken and hostile WebSocket peers get."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chat import Client
from raw import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, frame,
                 open_socket, read_answer, request, upgrade_headers)
from servers import Node, wait_until

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PING_FRAME = b'{"type":"ping","id":1}'


def handshake(target="/ws", method="GET", version="HTTP/1.1", extra=(), **changes):
    return request(target, method=method, version=version,
                   headers=[*upgrade_headers(**changes), *extra])


NO_UPGRADES = {
    "no key": handshake(Sec_WebSocket_Key=None),
    "short key": handshake(Sec_WebSocket_Key="c2hvcnQ="),
    "key that is not base64": handshake(Sec_WebSocket_Key="!" * 24),
    "two keys": handshake(extra=[f"Sec-WebSocket-Key: {KEY}"]),
    "no Upgrade": handshake(Upgrade=None),
    "Upgrade to something else": handshake(Upgrade="h2c"),
    "Connection without upgrade": handshake(Connection="keep-alive"),
    "HTTP/1.0": handshake(version="HTTP/1.0"),
    "POST": handshake(method="POST"),
    "a route without WebSocket": handshake("/nothing"),
}


# nginx writes the version and the Connection of a request anew, which makes these two whole.
WHOLE_BEHIND_NGINX = ("Connection without upgrade", "HTTP/1.0")


def status_of(node, data):
    with open_socket(node.port) as connection:
        connection.settimeout(1)
        connection.sendall(data)
        return read_answer(connection)


@pytest.mark.parametrize("kind", NO_UPGRADES)
def test_no_101_for_a_broken_handshake(entrance, node, unharmed, kind):
    if entrance is not node and kind in WHOLE_BEHIND_NGINX:
        pytest.skip("nginx makes it whole")
    assert status_of(entrance, NO_UPGRADES[kind]).status in (400, 404, 405, 426)


@pytest.mark.parametrize("version", ["12", "8", "14", None])
def test_other_versions_get_426(entrance, unharmed, version):
    answer = status_of(entrance, handshake(Sec_WebSocket_Version=version))
    assert answer.status in (400, 426) if version is None else answer.status == 426
    if answer.status == 426:
        assert answer.headers["sec-websocket-version"] == "13"


def test_the_accept_key_is_computed(node):
    with WebSocket(node.port, Sec_WebSocket_Key=KEY) as socket_:
        assert socket_.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.fixture(scope="module")
def strict_node():
    with Node("--allowed-origin", "https://chat.example") as node:
        yield node


@pytest.mark.parametrize("origin", [
    "null", "https://chat.example.evil.org", "https://evilchat.example",
    "https://chat.example:444", "http://chat.example", "https://chat.example/", "",
])
def test_other_origins_get_403(strict_node, origin):
    assert status_of(strict_node, handshake(Origin=origin)).status == 403


@pytest.mark.parametrize("origin", [None, "https://chat.example"])
def test_the_allowed_origin_and_no_origin_get_in(strict_node, origin):
    with WebSocket(strict_node.port, Origin=origin) as socket_:
        assert socket_.status == 101


def text(payload, **fields):
    return frame(TEXT, payload, **fields)


CLOSED_WITH = {
    "unmasked": (1002, text(PING_FRAME, masked=False)),
    "RSV1": (1002, text(PING_FRAME, rsv=4)),
    "RSV2": (1002, text(PING_FRAME, rsv=2)),
    "RSV3": (1002, text(PING_FRAME, rsv=1)),
    "opcode 3": (1002, frame(3, b"x")),
    "opcode 11": (1002, frame(11, b"x")),
    "ping of 126 bytes": (1002, frame(PING, b"x" * 126)),
    "fragmented ping": (1002, frame(PING, b"x", fin=False)),
    "length in 16 bits for nothing": (1002, text(b"x" * 5, width=16)),
    "length in 64 bits for nothing": (1002, text(b"x" * 5, width=64)),
    "length with the top bit": (1002, text(b"", length=1 << 63, width=64)),
    "a frame over 64 KiB": (1009, text(b"", length=65_537, width=64)),
    "a frame of 2^62 bytes": (1009, text(b"", length=1 << 62, width=64)),
    "a message over 64 KiB": (
        1009, text(b"x" * 40_000, fin=False) + frame(CONTINUATION, b"x" * 40_000)),
    "129 fragments": (
        1008, text(b"x", fin=False) + frame(CONTINUATION, b"x", fin=False) * 128),
    "a flood of empty fragments": (
        1008, text(b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 10_000),
    "continuation of nothing": (1002, frame(CONTINUATION, b"x")),
    "a start inside a message": (1002, text(b"x", fin=False) + text(b"y")),
    "invalid UTF-8": (1007, text(b"\xff")),
    "invalid UTF-8 before the end": (1007, text(b"ab\xc0", fin=False)),
    "a surrogate": (1007, text(b"\xed\xa0\x80")),
    "a character cut by the end": (
        1007, text(b"\xf0\x9f", fin=False) + frame(CONTINUATION, b"")),
    "a character cut by a fragment edge, continued wrongly": (
        1007, text(b"\xf0\x9f", fin=False) + frame(CONTINUATION, b"A", fin=False)),
    "invalid UTF-8 in a close reason": (1007, frame(CLOSE, b"\x03\xe8\xff")),
    "close payload of 1 byte": (1002, frame(CLOSE, b"\x03")),
    **{f"close code {code}": (1002, frame(CLOSE, code.to_bytes(2)))
       for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)},
}


@pytest.mark.parametrize("code, data", CLOSED_WITH.values(), ids=CLOSED_WITH)
def test_close_code(entrance, name, unharmed, code, data):
    with WebSocket(entrance.port, f"/ws?user={name('mallory')}") as mallory:
        mallory.send(data)
        assert mallory.close_code() == code
        mallory.send(frame(CLOSE, code.to_bytes(2)))
        assert mallory.receive() is None


def test_the_closing_handshake_ends_within_5_s(entrance, name, unharmed):
    with WebSocket(entrance.port, f"/ws?user={name('mallory')}") as mallory:
        mallory.send(frame(3))
        assert mallory.close_code() == 1002
        started = time.monotonic()
        while mallory.receive():
            pass
        assert time.monotonic() - started < 6


def test_a_message_unfinished_after_30_s_gets_1008(node, name, unharmed):
    with WebSocket(node.port, f"/ws?user={name('mallory')}") as mallory:
        mallory.connection.settimeout(40)
        started = time.monotonic()
        mallory.send(text(b"x", fin=False))
        assert mallory.close_code() == 1008
        assert 25 < time.monotonic() - started < 35


def test_who_says_no_hello_gets_4008(node, unharmed):
    with WebSocket(node.port) as mallory:
        started = time.monotonic()
        assert mallory.close_code() == 4008
        assert 4 < time.monotonic() - started < 8


def test_a_ping_flood_is_cut_off_or_answered_sparsely(entrance, name, unharmed):
    with WebSocket(entrance.port, f"/ws?user={name('mallory')}") as mallory:
        mallory.send(frame(PING, b"x" * 125) * 10_000)
        mallory.send(frame(CLOSE, (1000).to_bytes(2)))
        pongs = 0
        while (received := mallory.receive()) and received[0] != CLOSE:
            pongs += received[0] == PONG
        assert pongs < 10_000
        assert received is None or int.from_bytes(received[1][:2]) in (1000, 1008, 4101)


def test_a_flood_of_empty_messages_is_cut_off(entrance, name, unharmed):
    with WebSocket(entrance.port, f"/ws?user={name('mallory')}") as mallory:
        mallory.send(text(b"") * 10_000)
        assert mallory.close_code() in (1008, 4000, 4101)


def test_binary_frames_are_refused_without_harm(entrance, name, unharmed):
    with WebSocket(entrance.port, f"/ws?user={name('mallory')}") as mallory:
        mallory.send(frame(BINARY, PING_FRAME) + frame(CLOSE, (1000).to_bytes(2)))
        assert mallory.close_code() in (1000, 1003)


def test_every_byte_in_its_own_segment_works(entrance, name, unharmed):
    with WebSocket(entrance.port, f"/ws?user={name('alice')}") as alice:
        assert b'"ready"' in alice.receive()[1]
        for byte in text(PING_FRAME):
            alice.connection.sendall(bytes([byte]))
        assert b'"pong"' in alice.receive()[1]


def test_fragments_with_a_ping_between_make_one_message(entrance, name, unharmed):
    with WebSocket(entrance.port, f"/ws?user={name('alice')}") as alice:
        alice.receive()
        alice.send(text(PING_FRAME[:9], fin=False) + frame(PING, b"between")
                   + frame(CONTINUATION, PING_FRAME[9:]))
        answers = dict([alice.receive(), alice.receive()])
        assert answers[PONG] == b"between"
        assert b'"pong"' in answers[TEXT]


def test_a_reset_in_the_middle_of_a_frame_is_nothing(entrance, name, unharmed):
    for _ in range(20):
        with WebSocket(entrance.port, f"/ws?user={name('mallory')}") as mallory:
            mallory.send(text(PING_FRAME)[:7])
            linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
            mallory.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def test_a_client_that_never_reads_is_told_of_the_gap_and_closed(name):
    with (Node() as node, Client(node.url, name("alice")) as alice,
          Client(node.url, name("carol")) as carol, Client(node.url, name("dave")) as dave):
        # What the database's cache takes; the same messages to bob may cost his pending bytes more.
        cost_of_storing, _ = growth_while_sending(node, alice, name("nobody"), carol, dave)
        bob = name("bob")
        with (WebSocket(node.port, f"/ws?user={bob}", receive_buffer=4096) as stuck,
              ThreadPoolExecutor() as pool):
            def rest_once_told():
                """Where sending takes long, the end comes before it is through."""
                wait_until(lambda: node.metrics()["chat_gaps_total"], 60, "a gap")
                return stuck.rest()

            rest = pool.submit(rest_once_told)
            cost, slowest = growth_while_sending(node, alice, bob, carol, dave)
            assert cost - cost_of_storing < 5 * 1024 * 1024
            assert slowest < 1
            frames = rest.result()
        assert any(b'"gap"' in payload for opcode, payload in frames if opcode == TEXT)
        assert [int.from_bytes(payload[:2]) for opcode, payload in frames if opcode == CLOSE] == [
            4102]


def growth_while_sending(node, alice, to, carol, dave):
    """Memory that 10,000 messages to a user cost, and the longest that carol waited meanwhile."""
    before, slowest = node.resident_bytes(), 0
    for _ in range(50):
        for number in [alice.post_text(f"@{to}", "x" * 1000) for _ in range(200)]:
            alice.answer(number)
        started = time.monotonic()
        carol.send(f"@{dave.user}", "hi")
        dave.next()
        slowest = max(slowest, time.monotonic() - started)
    return node.resident_bytes() - before, slowest
