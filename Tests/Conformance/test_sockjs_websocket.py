"""SockJS over WebSockets, framed and raw, against the services of ws-echo."""

import json

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sockjs import GO_AWAY
from streams import exchange


def open_websocket(url, target):
    return connect(url.replace("http", "ws", 1) + target, proxy=None, compression=None,
                   ping_interval=None)


def test_a_websocket_carries_frames(url):
    with open_websocket(url, "/echo/000/abc/websocket") as first, open_websocket(
            url, "/echo/000/abc/websocket") as second:
        for socket in (first, second):
            assert socket.recv(timeout=5) == "o"
        for payload in ("", "[]", '["a","b"]', '"c"'):
            first.send(payload)
        second.send('["d"]')
        assert second.recv(timeout=5) == 'a["d"]'
        text = "".join(json.loads(part) for part in messages(first, 3))
        assert text == "abc"


def messages(socket, count):
    """The messages of frames, quoted as they came, until there are `count`."""
    found = []
    while len(found) < count:
        frame = socket.recv(timeout=5)
        assert frame[0] == "a"
        found += map(json.dumps, json.loads(frame[1:]))
    return found


def test_a_websocket_with_broken_json_is_closed(url):
    with open_websocket(url, "/echo/000/abc/websocket") as socket:
        assert socket.recv(timeout=5) == "o"
        socket.send('["a')
        with pytest.raises(ConnectionClosed):
            while socket.recv(timeout=5).startswith("c["):
                pass


def test_a_closed_websocket_session_says_why(url):
    with open_websocket(url, "/close/000/abc/websocket") as socket:
        assert [socket.recv(timeout=5) for _ in "oc"] == ["o", GO_AWAY]
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)


def test_a_raw_websocket_has_no_frames(url):
    with open_websocket(url, "/echo/websocket") as socket:
        socket.send("Hello \uffff")
        assert socket.recv(timeout=5) == "Hello \uffff"
    with open_websocket(url, "/close/websocket") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3000, "Go away!")


def test_requests_that_are_no_websocket(url):
    for target in ("/echo/0/0/websocket", "/echo/websocket"):
        for headers in ({}, {"Upgrade": "WebSocket", "Connection": "close"}):
            response, _ = exchange(url, "GET", target, headers)
            assert response.status == 400
        for headers in ({}, {"Upgrade": "WebSocket", "Connection": "Upgrade"}):
            response, text = exchange(url, "POST", target, headers)
            assert (response.status, text) == (405, "")
            assert response.headers["allow"] == "GET"
            assert "content-type" not in response.headers
    response, _ = exchange(url, "GET", "/disabled_websocket_echo/0/0/websocket")
    assert response.status == 404
