"""The REST interface: what it does beside chat.v1, and that it is what its document says."""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse
import uuid

import pytest

from chat import Client, new_cid


@pytest.fixture
def ask(node, name):
    """ask(user, method, path, **fields): the status and the JSON of the answer."""
    def ask(user, method, path, query="", **fields):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
        body = json.dumps(fields).encode() if fields else None
        connection.request(method, f"/api/{urllib.parse.quote(path, safe='/@')}{query}", body,
                           {"Authorization": f"Bearer {user}"})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if text.startswith("{") else text
    return ask


@pytest.fixture
def room():
    return f"#room-{uuid.uuid4().hex[:6]}"


def test_a_message_by_request_reaches_a_socket_and_back(node, ask, name):
    bob = name("bob")
    with Client(node.url, name("alice")) as alice:
        cid = new_cid()
        path = f"conversations/@{alice.user}/messages"
        for dup in (False, True):
            status, ack = ask(bob, "POST", path, cid=cid, body={"text": "hi"})
            assert (status, ack["type"], ack["seq"], ack["dup"]) == (201, "ack", 1, dup)
        assert alice.next()["body"]["text"] == "hi"
        alice.send(f"@{bob}", "and back")
        status, page = ask(bob, "GET", path, query="?limit=1")
        assert status == 200
        assert [item["seq"] for item in page["items"]] == [2] and page["more"]
        assert ask(bob, "PUT", f"conversations/@{alice.user}/read", seq=2)[0] == 200
        assert alice.next("receipt")["read"] == 2
        status, listed = ask(bob, "GET", "conversations")
        assert [item["unread"] for item in listed["items"]] == [0]
        alice.expect_quiet()


def test_a_message_is_edited_reacted_to_and_deleted_by_request(node, ask, name):
    bob = name("bob")
    with Client(node.url, name("alice")) as alice:
        messages = f"conversations/@{alice.user}/messages"
        assert ask(bob, "POST", messages, cid=new_cid(), body={"text": "hi"})[1]["seq"] == 1
        edit = {"cid": new_cid(), "body": {"text": "hello"}}
        for dup in (False, True):
            status, ack = ask(bob, "PATCH", f"{messages}/1", **edit)
            assert (status, ack["type"], ack["seq"], ack["dup"]) == (200, "ack", 2, dup)
        for seq, taken in ((3, {}), (4, {"remove": True})):
            status, ack = ask(bob, "POST", f"{messages}/1/reactions", cid=new_cid(), emoji="👍",
                              **taken)
            assert (status, ack["seq"]) == (201, seq)
        status, ack = ask(bob, "DELETE", f"{messages}/1", query=f"?cid={new_cid()}")
        assert (status, ack["type"], ack["seq"]) == (200, "ack", 5)
        assert [(entry["seq"], entry.get("kind"), entry.get("target"), entry["body"])
                for entry in (alice.next() for _ in range(5))] == [
            (1, None, None, {"text": "hi"}), (2, "edit", 1, {"text": "hello"}),
            (3, "react", 1, {"emoji": "👍"}), (4, "react", 1, {"emoji": "👍", "remove": True}),
            (5, "delete", 1, {})]
        first = ask(bob, "GET", messages)[1]["items"][0]
        assert (first["body"], first["deleted"]) == ({}, 5)
        alice.expect_quiet()


def about(seq):
    """Requests about a message: the method, the rest of the path, the query and the fields."""
    return [("PATCH", f"{seq}", "", {"cid": new_cid(), "body": {}}),
            ("DELETE", f"{seq}", f"?cid={new_cid()}", {}),
            ("POST", f"{seq}/reactions", "", {"cid": new_cid(), "emoji": "+1"})]


def test_messages_that_are_not_there_or_anothers(ask, name, room):
    alice, bob, carol = name("alice"), name("bob"), name("carol")
    assert ask(alice, "POST", "rooms", room=room, members=[bob], public=False)[0] == 201
    messages = f"conversations/{room}/messages"
    assert ask(alice, "POST", messages, cid=new_cid(), body={})[1]["seq"] == 2

    def codes(user, seq, path=messages):
        return [(status, answer.get("code")) for status, answer in (
            ask(user, method, f"{path}/{rest}", query, **fields)
            for method, rest, query, fields in about(seq))]

    forbidden, missing = (403, "forbidden"), (404, "not_found")
    assert codes(bob, 2) == [forbidden, forbidden, (201, None)]
    assert codes(carol, 2) == codes(bob, 9) == [missing] * 3
    assert codes(carol, 1, f"conversations/@{alice}/messages") == [missing] * 3
    # Whose message it is not, a moderator deletes it all the same.
    assert ask(bob, "POST", messages, cid=new_cid(), body={})[1]["seq"] == 4
    assert codes(alice, 4)[:2] == [forbidden, (200, None)]


@pytest.mark.parametrize("method, path, query, fields", [
    *[(method, rest, query, fields) for seq in ("0", "x", "-1", "1.5", "", f"{2**53}", '1,"a":2')
      for method, rest, query, fields in about(seq)],
    ("PATCH", "1", "", {"cid": "c"}), ("PATCH", "1", "", {"body": {}}),
    ("PATCH", "1", "", {"cid": "c", "body": {}, "target": 1}),
    ("PATCH", "1", "", {"cid": "c", "body": {"text": 1}}),
    ("DELETE", "1", "", {}), ("DELETE", "1", "?cid=", {}), ("DELETE", "1", "?cid=a", {"cid": "a"}),
    ("POST", "1/reactions", "", {"cid": "c"}), ("POST", "1/reactions", "", {"emoji": "+1"}),
    ("POST", "1/reactions", "", {"cid": "c", "emoji": ""}),
    ("POST", "1/reactions", "", {"cid": "c", "emoji": "x" * 65}),
    ("POST", "1/reactions", "", {"cid": "c", "emoji": "+1", "remove": 1}),
])
def test_bad_requests_about_a_message(ask, method, path, query, fields):
    status, error = ask("alice", method, f"conversations/@bob/messages/{path}", query, **fields)
    assert (status, error["code"]) == (400, "bad_request")


def test_what_was_received_is_not_read(node, ask, name):
    bob = name("bob")
    with Client(node.url, name("alice")) as alice:
        alice.send(f"@{bob}", "hi")
        path = f"conversations/@{alice.user}/recv"
        assert ask(bob, "PUT", path, seq=1) == (200, {"type": "ok", "id": 0})
        receipt = alice.next("receipt")
        assert (receipt["recv"], receipt["read"]) == (1, 0)
        assert ask(bob, "PUT", f"conversations/@{name('nobody')}/recv", seq=1)[0] == 404
        assert ask(bob, "PUT", path)[0] == ask(bob, "PUT", path, seq="1")[0] == 400


def test_of_the_conversations_the_rooms(ask, name, room):
    alice, bob = name("alice"), name("bob")
    assert ask(alice, "GET", "rooms")[1]["items"] == []
    assert ask(alice, "POST", "rooms", room=room, name="Lobby")[0] == 201
    path = f"conversations/@{bob}/messages"
    assert ask(alice, "POST", path, cid=new_cid(), body={})[0] == 201
    status, rooms = ask(alice, "GET", "rooms")
    listed = ask(alice, "GET", "conversations")[1]["items"]
    assert (status, rooms["type"], len(listed)) == (200, "conversations", 2)
    assert rooms["items"] == [item for item in listed if item["conv"] == room]
    assert ask(bob, "GET", "rooms")[1]["items"] == []


def test_rooms_by_request(node, ask, name, room):
    alice, bob, carol = name("alice"), name("bob"), name("carol")
    assert ask(alice, "POST", "rooms", room=room, topic="all", public=False)[0] == 201
    assert ask(bob, "POST", "rooms", room=room)[0] == 409
    assert ask(bob, "POST", f"rooms/{room}/join")[0] == 404
    assert ask(alice, "POST", f"rooms/{room}/members", users=[bob, carol])[0] == 200
    assert ask(bob, "DELETE", f"rooms/{room}/members/{carol}")[0] == 403
    assert ask(alice, "PUT", f"rooms/{room}/members/{bob}", role="moderator")[0] == 200
    assert ask(bob, "DELETE", f"rooms/{room}/members/{carol}")[0] == 200
    assert ask(bob, "PATCH", f"rooms/{room}", topic="mine")[0] == 200
    status, listed = ask(bob, "GET", f"rooms/{room}/members")
    roles = {item["user"]: item["role"] for item in listed["items"]}
    assert roles == {f"@{alice}": "owner", f"@{bob}": "moderator"}
    assert ask(carol, "GET", f"rooms/{room}/members")[0] == 404
    assert ask(bob, "POST", f"rooms/{room}/leave")[0] == 200


def test_presence_by_request(node, ask, name):
    bob = name("bob")
    assert ask("alice", "GET", f"users/{bob}/presence")[1]["users"][0]["state"] == "offline"
    with Client(node.url, bob):
        assert ask("alice", "GET", f"users/{bob}/presence")[1]["users"][0]["state"] == "online"


def test_who_asks_must_be_said(node):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    connection.request("GET", "/api/conversations")
    answer = connection.getresponse()
    assert answer.status == 401
    assert json.loads(answer.read())["code"] == "unauthorized"


@pytest.mark.parametrize("path, method, status", [
    ("nothing", "GET", 404), ("rooms/a/b/c/d", "POST", 404), ("rooms", "DELETE", 405),
    ("conversations/bob/messages", "GET", 400), ("conversations/@BOB/messages", "GET", 400),
])
def test_what_is_not_there(ask, path, method, status):
    assert ask("alice", method, path)[0] == status


@pytest.mark.parametrize("body", [b"[1]", b"{", b"{}}", b'{"type":"ping"}', b'{"id":1}', b"\xff",
                                  b'{"to":"@carol","cid":"c","body":{}}', b'"x"'])
def test_a_body_that_is_no_object_or_says_what_the_path_says(node, body):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    connection.request("POST", "/api/conversations/@bob/messages?user=alice", body)
    answer = connection.getresponse()
    assert answer.status == 400
    assert json.loads(answer.read())["code"] == "bad_request"


@pytest.mark.timeout(240)
def test_the_server_is_what_its_document_says(node, tmp_path):
    url = f"http://127.0.0.1:{node.port}"
    done = subprocess.run(
        [pathlib.Path(sys.executable).with_name("schemathesis"), "run", f"{url}/api/openapi.json",
         "--url", url, "--header", "Authorization: Bearer tester", "--seed", "1",
         "--max-examples", "40", "--workers", "1"],
        env={**os.environ, "SCHEMATHESIS_HOOKS": "openapi_formats",
             "PYTHONPATH": str(pathlib.Path(__file__).parent)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=230, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:]
