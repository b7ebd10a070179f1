"""Messages compressed by permessage-deflate, between the node and libraries from outside."""

import json
import zlib

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from chat import Client, new_cid
from conftest import Bystanders
from raw import CLOSE, PING, TEXT, WebSocket, frame
from servers import Node

EXTENSIONS = "Sec_WebSocket_Extensions"
OFFER = {EXTENSIONS: "permessage-deflate; client_max_window_bits"}
PING_FRAME = b'{"type":"ping","id":1}'


@pytest.fixture(scope="module", params=[(), ("--compression-contexts", "1000")],
                ids=["no contexts", "contexts"])
def compressing(request):
    with Node("--compression", *request.param) as node:
        yield node


def deflated(payload, window_bits=15):
    deflater = zlib.compressobj(wbits=-window_bits)
    return (deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(payload):
    return zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff")


def opened(node, user, **headers):
    return WebSocket(node.port, f"/ws?user={user}", **{**OFFER, **headers})


@pytest.mark.parametrize("parameters", [
    {}, {"server_no_context_takeover": True}, {"client_no_context_takeover": True},
    {"server_max_window_bits": 9}, {"client_max_window_bits": 9},
    {"server_max_window_bits": 15, "client_max_window_bits": True},
], ids=str)
def test_a_chat_goes_on_over_any_parameters(compressing, name, parameters):
    factory = ClientPerMessageDeflateFactory(**parameters)
    with (Client(compressing.url, name("alice"), compression=None, extensions=[factory]) as alice,
          Client(compressing.url, name("bob"), compression=None) as bob):
        assert "permessage-deflate" in alice.socket.response.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in bob.socket.response.headers
        for text in ["x", "y" * 300, "z" * 16_000, "\N{SNOWMAN}" * 2_000, "x"]:
            alice.send(f"@{bob.user}", text)
            assert bob.next()["body"]["text"] == text
            bob.send(f"@{alice.user}", text)
            assert alice.next()["body"]["text"] == text


def test_no_compression_without_the_option(node, name):
    with WebSocket(node.port, f"/ws?user={name('alice')}", **OFFER) as alice:
        assert "sec-websocket-extensions" not in alice.headers


def test_a_window_of_256_bytes_is_declined(compressing, name):
    offer = {EXTENSIONS: "permessage-deflate; server_max_window_bits=8"}
    with opened(compressing, name("alice"), **offer) as alice:
        assert "sec-websocket-extensions" not in alice.headers


def test_one_message_reaches_readers_of_every_kind(compressing, name):
    """Each of bob's devices has another window, or none; all get the same."""
    bob, text = name("bob"), "lorem ipsum " * 500
    offers = [{"server_max_window_bits": bits} for bits in (9, 12, 12, 15)]
    offers += [{"server_max_window_bits": 15, "server_no_context_takeover": True}] * 2
    options = [{"extensions": [ClientPerMessageDeflateFactory(**offer)]} for offer in offers] + [{}]
    readers = [Client(compressing.url, bob, device=f"d{number}", compression=None, **option)
               for number, option in enumerate(options)]
    with Client(compressing.url, name("alice")) as alice:
        for number in range(5):
            alice.send(f"@{bob}", f"{number} {text}")
        for reader in readers:
            for number in range(5):
                assert reader.next()["body"]["text"] == f"{number} {text}"
            reader.socket.close()


def test_a_large_message_is_compressed_and_a_small_one_is_not(compressing, name):
    with opened(compressing, name("alice")) as alice:
        opcode, reserved, ready = alice.receive_frame()
        assert (opcode, reserved) == (TEXT, 0) and b'"ready"' in ready
        text = "abc" * 4_000
        message = {"type": "send", "id": 1, "cid": new_cid(), "to": f"@{name('bob')}",
                   "body": {"text": text}}
        alice.send(frame(TEXT, deflated(json.dumps(message).encode()), rsv=4))
        assert b'"ack"' in alice.receive()[1]
        alice.send(frame(TEXT, json.dumps(
            {"type": "history", "id": 2, "to": message["to"]}).encode()))
        opcode, reserved, payload = alice.receive_frame()
        assert (opcode, reserved) == (TEXT, 4)
        assert len(payload) < 500
        assert json.loads(inflated(payload))["items"][0]["body"]["text"] == text


BOMB = deflated(b"a" * 40_000_000)
CORRUPT = {
    "no deflate at all": (1007, frame(TEXT, b"\xff" * 50, rsv=4)),
    "a block that is cut": (1007, frame(TEXT, deflated(b"hello " * 50)[:7], rsv=4)),
    "nothing": (1007, frame(TEXT, b"", rsv=4)),
    "text that is not UTF-8": (1007, frame(TEXT, deflated(b"abc\xff"), rsv=4)),
    "a distance to before the beginning": (1007, frame(TEXT, b"\xf2\x00\x11\x00\x00", rsv=4)),
    "a bomb": (1009, frame(TEXT, BOMB, rsv=4)),
    "a bomb in fragments": (
        1009, frame(TEXT, BOMB[:20_000], rsv=4, fin=False) + frame(0, BOMB[20_000:])),
    "a compressed frame over 64 KiB": (1009, frame(TEXT, b"", rsv=4, length=70_000, width=64)),
    "RSV1 on a continuation": (
        1002, frame(TEXT, b"\xf2", rsv=4, fin=False) + frame(0, b"\x48", rsv=4)),
    "RSV1 on a ping": (1002, frame(PING, b"x", rsv=4)),
    "RSV1 on a close": (1002, frame(CLOSE, b"\x03\xe8", rsv=4)),
    "RSV2": (1002, frame(TEXT, b"\0", rsv=2)),
    "RSV1 and RSV3": (1002, frame(TEXT, b"\0", rsv=5)),
}


@pytest.fixture(scope="module")
def bystanders(compressing):
    """Who chat on, on the node that compresses."""
    bystanders = Bystanders(compressing, new_cid()[:6])
    yield bystanders
    bystanders.close()


@pytest.mark.parametrize("code, data", CORRUPT.values(), ids=CORRUPT)
def test_what_is_no_compressed_message_fails_its_connection(
        compressing, name, unharmed, code, data):
    with opened(compressing, name("mallory")) as mallory:
        mallory.receive()
        mallory.send(data)
        assert mallory.close_code() == code


def test_a_hundred_bombs_leave_nothing_behind(compressing, name, unharmed):
    for _ in range(100):
        with opened(compressing, name("mallory")) as mallory:
            mallory.receive()
            mallory.send(frame(TEXT, BOMB, rsv=4))
            assert mallory.close_code() == 1009


def test_a_compressed_message_works_with_every_byte_in_its_own_segment(
        compressing, name, unharmed):
    with opened(compressing, name("alice")) as alice:
        alice.receive()
        for byte in frame(TEXT, deflated(PING_FRAME), rsv=4):
            alice.connection.sendall(bytes([byte]))
        assert b'"pong"' in alice.receive()[1]
