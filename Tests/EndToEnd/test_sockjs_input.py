"""What broken and hostile SockJS requests get, from a node and through nginx."""

import json
import time
import urllib.parse

import pytest

from chat import Client
from servers import Node
from sockjs import STILL_OPEN, Session
from streams import Connection, exchange

TYPES = {"Content-Type": "text/plain"}


@pytest.fixture(scope="module", params=["direct", "nginx"])
def way(request):
    return request.param


@pytest.fixture(scope="module")
def url(way, request):
    """The shared node's address, or that of nginx before three nodes."""
    if way == "direct":
        return f"http://127.0.0.1:{request.getfixturevalue('node').port}"
    status = request.getfixturevalue("cluster").status()
    return "http://" + urllib.parse.urlsplit(status["nginx"]).netloc


@pytest.fixture(autouse=True)
def watched(way, request):
    """The shared node is unharmed."""
    if way == "direct":
        request.getfixturevalue("unharmed")


@pytest.fixture
def session(url):
    return Session(f"{url}/sockjs")


class User:
    """A chat.v1 client that polls."""

    def __init__(self, url, name):
        self.session = Session(f"{url}/sockjs", query=f"user={name}")
        self.name = name
        assert self.session.poll() == "o\n"
        self.frames = []
        assert self.next()["type"] == "ready"

    def post(self, kind, **fields):
        self.session.send(json.dumps({"type": kind, **fields}))

    def next(self, kind=None):
        """The next frame of the kind; those before it are dropped."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            while self.frames:
                frame = self.frames.pop(0)
                if kind in (None, frame["type"]):
                    return frame
            text = self.session.poll()
            assert text[0] in "ah", text
            if text[0] == "a":
                self.frames += map(json.loads, json.loads(text[1:]))
        raise AssertionError(f"no {kind}")


def foreign(method, url, target, origin):
    return exchange(url, method, target, {
        "Origin": origin, "Access-Control-Request-Method": "POST"})


def test_scripts_for_any_page_are_off(session):
    for method, transport in (("GET", "jsonp?c=c"), ("GET", "htmlfile?c=c"),
                              ("POST", "jsonp_send")):
        response, _ = session.request(method, transport)
        assert response.status == 404


def test_another_users_session_is_not_found(url, name):
    alice = User(url, name("alice"))
    for query in (f"user={name('mallory')}", ""):
        mallory = Session(alice.session.base, session=alice.session.name, query=query)
        for method, transport in (("POST", "xhr"), ("POST", "xhr_streaming"),
                                  ("GET", "eventsource")):
            response, _ = mallory.request(method, transport)
            assert response.status == 404
        response, _ = mallory.send_payload(json.dumps([json.dumps({"type": "ping", "id": 666})]))
        assert response.status == 404
    alice.post("ping", id=1)
    assert alice.next() == {"type": "pong", "id": 1}


def test_the_first_receiver_goes_on(url, name):
    alice = User(url, name("alice"))
    with alice.session.streaming("GET", "eventsource") as stream:
        stream.chunk()
        for _ in range(3):
            assert alice.session.poll() == STILL_OPEN + "\n"
        alice.post("ping", id=1)
        assert json.loads(json.loads(stream.chunk().removeprefix("data: a"))[0])["id"] == 1


PAYLOADS = {
    "no JSON": ("[", 500), "cut": ('["x', 500), "empty": ("", 500), "an object": ("{}", 500),
    "a number": ("[1]", 500), "nested": ("[" * 100_000, 500),
    "a lone surrogate": (r'["\ud800"]', 500), "trailing bytes": ('["x"]]', 500),
    "a NUL": ('["\0"]', 500), "5,000 messages": (json.dumps([""] * 5000), 413),
    "a huge one": (json.dumps(["x" * 2 ** 21]), 413),
}


@pytest.mark.parametrize("payload, status", PAYLOADS.values(), ids=PAYLOADS)
def test_bad_payloads_are_refused_and_the_session_goes_on(url, name, payload, status):
    alice = User(url, name("alice"))
    response, _ = alice.session.send_payload(payload, TYPES)
    assert response.status == status
    alice.post("ping", id=1)
    assert alice.next() == {"type": "pong", "id": 1}


@pytest.mark.parametrize("target", [
    "/sockjs/../x", "/sockjs/a./b/xhr", "/sockjs/a/%2e%2e/xhr", "/sockjs//b/xhr",
    "/sockjs/a/b/c/xhr", "/sockjs/a/b/XHR", "/sockjs/a/" + "b" * 500 + "/xhr"])
def test_bad_paths_are_not_found(url, target):
    for method in ("GET", "POST"):
        response, _ = exchange(url, method, target)
        assert response.status in (400, 404)


def test_sending_to_no_session_is_not_found(session):
    response, _ = session.send_payload('["x"]')
    assert response.status == 404


@pytest.mark.parametrize("origin", ["null", "http://a.example", "http://127.0.0.1.a.example"])
def test_other_pages_get_no_word_of_cors(url, origin):
    for method, target in (("GET", "/sockjs/info"), ("OPTIONS", "/sockjs/info"),
                           ("POST", "/sockjs/0/s/xhr"), ("OPTIONS", "/sockjs/0/s/xhr_send"),
                           ("POST", "/sockjs/0/s/xhr_send"), ("GET", "/sockjs/0/s/eventsource")):
        response, _ = foreign(method, url, target, origin)
        assert response.status == 403
        assert not [field for field in response.headers if field.startswith("access-control")]


def test_no_text_ends_its_event(url, name):
    text = "a\r\n\r\ndata: forged\r\rid: 1\n\u2028\u0085\u0000"
    alice, bob = User(url, name("alice")), User(url, name("bob"))
    with bob.session.streaming("GET", "eventsource") as stream:
        assert stream.chunk() == "\r\n"
        alice.post("send", cid="c", to=f"@{bob.name}", body={"text": text})
        event = stream.chunk()
        assert event.startswith("data: a[") and event.endswith("]\r\n\r\n")
        assert not set(event[:-4]) & set("\r\n\0\u2028")
        frame, = json.loads(urllib.parse.unquote(event).removeprefix("data: a"))
        assert json.loads(frame)["body"]["text"] == text


def open_unpolled(url, users):
    sessions = [Session(f"{url}/sockjs", query=f"user={user}") for user in users]
    with Connection(url) as connection:
        for session in sessions:
            response = connection.request("POST", session.target("xhr"))
            assert (response.status, response.read()) == (200, "o\n")
    return sessions


@pytest.fixture(scope="module")
def burst_before(url):
    """A node keeps some memory of its first burst for the next; the watch looks at that one."""
    open_unpolled(url, [f"first-{number}" for number in range(1000)])
    time.sleep(7)


def test_sessions_that_nobody_polls_are_freed(url, burst_before, name):
    """A thousand of them leave no memory behind; the watch over the shared node looks."""
    sessions = open_unpolled(url, [name("user") for _ in range(1000)])
    time.sleep(7)  # The server waits 5 s for a client to come again.
    for session in sessions[::100]:
        assert session.send_payload("[]")[0].status == 404


def test_callbacks_are_names_where_scripts_are_on(name):
    with Node("--sockjs-scripts") as node:
        session = Session(f"http://127.0.0.1:{node.port}/sockjs")
        for transport in ("jsonp", "htmlfile"):
            for callback in ("", "%20", "a(b)", "a%0d%0aX:y", "c" * 33, "a%3cb"):
                response, text = session.request("GET", f"{transport}?c={callback}")
                assert response.status == 500 and '"callback" parameter' in text
                assert "x" not in response.headers
        with Client(node.url, name("bob")) as bob:
            assert bob.request("ping")["type"] == "pong"
