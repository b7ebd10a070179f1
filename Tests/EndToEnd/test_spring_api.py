"""The requests of Spring's convention, beside chat.v1 and STOMP."""

import http.client
import json
import urllib.parse
import uuid

import pytest

from chat import Client


@pytest.fixture
def ask(node):
    """ask(user, method, path, **fields): the status and the JSON of the answer."""
    def ask(user, method, path, **fields):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
        headers = {"Authorization": f"Bearer {user}"} if user else {}
        connection.request(method, f"/api/chat/{urllib.parse.quote(path, safe='/?=&')}",
                           json.dumps(fields).encode() if fields else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if text[:1] in "{[" else text
    return ask


def test_rooms(node, ask, name):
    alice, bob = name("alice"), name("bob")
    room = f"room-{uuid.uuid4().hex[:6]}"
    made = {"id": room, "roomId": room, "name": "Lobby"}
    assert ask(alice, "POST", "rooms", roomId=room, name="Lobby", description="all") == (201, made)
    status, error = ask(bob, "POST", "rooms", roomId=room, name="Mine")
    assert (status, error["code"], error["errorCode"]) == (409, "conflict", "conflict")
    assert ask(bob, "POST", f"rooms/{room}/join") == (200, {"id": room, "roomId": room})
    status, members = ask(bob, "GET", f"rooms/{room}/members")
    assert [(item["userId"], item["role"]) for item in members] == sorted(
        [(alice, "OWNER"), (bob, "MEMBER")])
    with Client(node.url, alice) as client:
        client.send(f"#{room}", "hello")
    status, rooms = ask(bob, "GET", f"users/{bob}/rooms")
    # The message; those that joined are none.
    assert rooms == [{**made, "description": "all", "isPrivate": False, "role": "MEMBER",
                      "memberCount": 2, "unreadCount": 1}]
    status, messages = ask(bob, "GET", f"messages/room/{room}")
    assert [(item["type"], item["sender"], item["roomId"]) for item in messages] == [
        ("JOIN", alice, room), ("JOIN", bob, room), ("CHAT", alice, room)]
    assert ask(bob, "POST", f"rooms/{room}/leave")[0] == 200
    assert ask(bob, "GET", f"messages/room/{room}")[0] == 404
    assert ask(bob, "GET", f"users/{bob}/rooms") == (200, [])


def test_a_private_room_is_not_joined(ask, name):
    room = f"room-{uuid.uuid4().hex[:6]}"
    assert ask(name("alice"), "POST", "rooms", name=room, isPrivate=True)[0] == 201
    assert ask(name("bob"), "POST", f"rooms/{room}/join")[0] == 404


@pytest.mark.parametrize("path", ["messages/direct/{0}", "messages/direct?receiverId={0}"])
def test_direct_messages(node, ask, name, path):
    alice, bob = name("alice"), name("bob")
    with Client(node.url, alice) as client:
        for number in range(3):
            client.send(f"@{bob}", f"message {number}")
    status, messages = ask(bob, "GET", path.format(alice))
    assert [(item["content"], item["sender"], item["receiver"], item["seq"])
            for item in messages] == [(f"message {n}", alice, bob, n + 1) for n in range(3)]
    last = ask(bob, "GET", f"messages/direct?receiverId={alice}&before=3&limit=1")[1]
    assert [item["seq"] for item in last] == [2]


def test_status(node, ask, name):
    bob = name("bob")
    assert ask("alice", "GET", f"users/{bob}/status")[1]["status"] == "OFFLINE"
    with Client(node.url, bob):
        found = ask("alice", "GET", f"users/{bob}/status")
        assert found == (200, {"userId": bob, "status": "ONLINE", "lastSeen": None})


def test_health(ask):
    assert ask(None, "GET", "health") == (200, {"status": "UP"})


@pytest.mark.parametrize("user, method, path, status, code", [
    (None, "GET", "users/bob/rooms", 401, "unauthorized"),
    ("alice", "GET", "users/bob/rooms", 403, "forbidden"),
    ("alice", "GET", "users/BOB!/status", 400, "bad_request"),
    ("alice", "GET", "messages/direct", 400, "bad_request"),
    ("alice", "GET", "messages/direct/bob?limit=0", 400, "bad_request"),
    ("alice", "GET", "messages/direct/bob?before=x", 400, "bad_request"),
    ("alice", "POST", "rooms", 400, "bad_request"),
    ("alice", "GET", "users/@bob/rooms", 403, "forbidden"),
    ("alice", "GET", "messages/room/nowhere", 404, "not_found"),
])
def test_errors(ask, user, method, path, status, code):
    found, error = ask(user, method, path)
    assert (found, error["code"], error["errorCode"]) == (status, code, code)


@pytest.mark.parametrize("fields", [
    {"name": "no room's name"}, {"roomId": 1.5}, {"roomId": ["lobby"]},
    {"roomId": "lobby", "name": 5}, {"roomId": "lobby", "name": "bell \a"},
    {"roomId": "lobby", "description": "x" * 1025}, {"roomId": "lobby", "isPrivate": "yes"}])
def test_rooms_that_are_not_made(ask, fields):
    found, error = ask("alice", "POST", "rooms", **fields)
    assert (found, error["errorCode"]) == (400, "bad_request")


def test_the_number_or_the_name_of_a_room_is_its_id(ask):
    number, name = uuid.uuid4().int % 10**9, f"Lobby-{uuid.uuid4().hex[:6]}"
    assert ask("alice", "POST", "rooms", roomId=number)[1]["roomId"] == str(number)
    made = {"id": name.lower(), "roomId": name.lower(), "name": name}
    assert ask("alice", "POST", "rooms", name=name) == (201, made)


@pytest.mark.parametrize("method, path, status", [
    ("GET", "rooms", 405), ("DELETE", "rooms", 405), ("POST", "users/bob/status", 405),
    ("GET", "nothing", 404), ("POST", "rooms/a/b/c", 404), ("GET", "messages", 404),
    ("GET", "", 404)])
def test_what_is_not_there(ask, method, path, status):
    assert ask("alice", method, path)[0] == status
