"""What broken and hostile chat frames get."""

import json

import pytest
from websockets.exceptions import ConnectionClosed

from chat import Client, new_cid
from servers import Node
from streams import exchange


@pytest.fixture
def mallory(entrance, name):
    with Client(entrance.url, name("mallory")) as mallory:
        yield mallory


def send(**fields):
    fields = {"type": "send", "id": 1, "cid": "c1", "to": "@bob", "body": {"text": "hi"}, **fields}
    return json.dumps({key: value for key, value in fields.items() if value is not ...})


BAD_FRAMES = {
    "not JSON": "hello",
    "empty": "",
    "an array": "[]",
    "a string": '"x"',
    "unfinished": '{"type":"ping"',
    "trailing bytes": '{"type":"ping"}x',
    "two objects": '{"type":"ping"}{"type":"ping"}',
    "nested 60,000 deep": '{"type":"ping","x":' + "[" * 60_000,
    "nested and closed": '{"type":"ping","x":' + "[" * 30_000 + "]" * 30_000 + "}",
    "1e400": '{"type":"history","id":1,"to":"@bob","before":1e400}',
    "a lone surrogate": '{"type":"send","id":1,"cid":"\\ud800","to":"@bob","body":{"text":"x"}}',
    "a lone surrogate in the text": send(body={"text": "\ud800"}),
    "a key twice": '{"type":"ping","type":"conversations"}',
    "a control byte in a string": '{"type":"ping","id":"a\x01b"}',
    "NaN": '{"type":"ping","x":NaN}',
    "a leading zero": '{"type":"ping","x":01}',
    "no type": '{"id":1}',
    "type is a number": '{"type":7}',
    "no cid": send(cid=...),
    "cid of 65 bytes": send(cid="c" * 65),
    "cid empty": send(cid=""),
    "no to": send(to=...),
    "to without a sigil": send(to="bob"),
    "to with a space": send(to="@b ob"),
    "to in capitals": send(to="@BOB"),
    "to of 65 bytes": send(to="@" + "b" * 65),
    "no body": send(body=...),
    "body is a string": send(body="hi"),
    "reply_to negative": send(reply_to=-1),
    "reply_to huge": send(reply_to=2 ** 53),
    "reply_to a string": send(reply_to="1"),
    "history before a fraction": '{"type":"history","id":1,"to":"@bob","before":1.5}',
    "history with a huge seq": '{"type":"history","id":1,"to":"@bob","after":18446744073709551616}',
    "recv of a negative seq": '{"type":"recv","id":1,"to":"@bob","seq":-1}',
    "read without a seq": '{"type":"read","id":1,"to":"@bob"}',
    "read up to a string": '{"type":"read","id":1,"to":"@bob","seq":"1"}',
    "typing to nobody": '{"type":"typing"}',
    "a state that is none": '{"type":"presence","id":1,"state":"asleep"}',
    "watching nobody": '{"type":"presence.watch","id":1,"users":[]}',
    "watching a string": '{"type":"presence.watch","id":1,"users":"@bob"}',
    "watching a room": '{"type":"presence.watch","id":1,"users":["#lobby"]}',
    "watching 1,001": json.dumps({"type": "presence.watch", "id": 1, "users": ["@bob"] * 1_001}),
    "edit of nothing": '{"type":"edit","id":1,"cid":"c1","to":"@bob","body":{}}',
    "delete with a negative target": '{"type":"delete","id":1,"cid":"c1","to":"@bob","target":-1}',
    "react without an emoji": '{"type":"react","id":1,"cid":"c1","to":"@bob","target":1}',
    "react with 65 bytes": send(type="react", target=1, emoji="x" * 65),
    "a room that is a user": '{"type":"room.create","id":1,"room":"@bob"}',
    "a room's name of 129 bytes": json.dumps(
        {"type": "room.create", "id": 1, "room": "#r", "name": "x" * 129}),
    "a room's topic of 1,025 bytes": json.dumps(
        {"type": "room.create", "id": 1, "room": "#r", "topic": "x" * 1_025}),
    "a room kept for ever and a day": '{"type":"room.create","id":1,"room":"#r","retain":3651}',
    "inviting 101": json.dumps(
        {"type": "room.invite", "id": 1, "room": "#r", "users": ["@bob"] * 101}),
    "a role that is none": '{"type":"room.role","id":1,"room":"#r","user":"@bob","role":"king"}',
    "an update of nothing": '{"type":"room.update","id":1,"room":"#r"}',
    "id is an object": '{"type":"ping","id":{}}',
    "unknown type": '{"type":"teleport","id":1}',
}


@pytest.mark.parametrize("text", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_a_bad_frame_gets_an_error_and_the_connection_stays(mallory, unharmed, text):
    error = mallory.raw(text)
    assert (error["type"], error["code"]) in {
        ("error", "bad_request"),
        # A type that a later version may know is no mistake in form.
        *([("error", "unsupported")] if "teleport" in text else []),
    }
    assert error["retryable"] is False
    assert mallory.request("ping")["type"] == "pong"


def test_ten_frames_in_a_minute_that_are_no_json_close_the_connection(mallory, unharmed):
    for _ in range(12):
        mallory.socket.send("nonsense")
    assert mallory.expect_closed() == 4000


def test_a_text_over_the_limit_is_refused(mallory, unharmed):
    error = mallory.request("send", cid=new_cid(), to="@bob", body={"text": "x" * 17_000})
    assert error["code"] in ("too_large", "bad_request")
    assert mallory.request("ping")["type"] == "pong"


def test_a_conversation_that_is_not_there_is_not_found(mallory, unharmed):
    answers = [mallory.request("history", to="#nowhere"),
               mallory.request("send", cid=new_cid(), to="#nowhere", body={"text": "x"})]
    assert {answer["code"] for answer in answers} == {"not_found"}


def test_forged_fields_are_ignored(entrance, name, unharmed):
    with Client(entrance.url, name("mallory")) as mallory, Client(entrance.url, name("bob")) as bob:
        mallory.send(f"@{bob.user}", "hi", seq=99, ts=1, **{"from": "@alice"})
        message = bob.next()
        assert (message["from"], message["seq"]) == (f"@{mallory.user}", 1)
        assert message["ts"] > 1_600_000_000_000


def test_one_cid_with_another_body_is_a_conflict(entrance, name, unharmed):
    with Client(entrance.url, name("mallory")) as mallory, Client(entrance.url, name("bob")) as bob:
        cid = new_cid()
        mallory.send(f"@{bob.user}", "one", cid)
        error = mallory.request("send", cid=cid, to=f"@{bob.user}", body={"text": "two"})
        assert error["code"] == "conflict"
        assert bob.next()["body"]["text"] == "one"
        bob.expect_quiet()


def test_history_of_everything_is_at_most_100_items(entrance, name, unharmed):
    with Client(entrance.url, name("mallory")) as mallory:
        for number in [mallory.post_text(f"@{mallory.user}", "x") for _ in range(150)]:
            mallory.answer(number)
        page = mallory.request("history", to=f"@{mallory.user}", limit=1_000_000)
        assert len(page["items"]) == 100
        assert page["more"] is True


def test_no_one_may_read_a_conversation_of_others(entrance, name, unharmed):
    with Client(entrance.url, name("alice")) as alice, Client(entrance.url, name("mallory")) as mallory:
        alice.send(f"@{name('bob')}", "secret")
        answer = mallory.request("history", to=f"@{alice.user}")
        assert "secret" not in json.dumps(answer)


@pytest.mark.parametrize("first", ['{"type":"ping","id":1}', "nonsense", send()])
def test_nothing_is_done_before_hello(entrance, name, unharmed, first):
    with Client(entrance.url, name("mallory"), hello=False) as mallory:
        mallory.socket.send(first)
        assert mallory.expect_closed(timeout=10) in (4000, 4001, 4008)


@pytest.mark.parametrize("user", ["", "a b", "../x", "ALICE", "a" * 65, "\0", "alice:bob", 7])
def test_impossible_names_are_refused(entrance, unharmed, user):
    with Client(entrance.url, "", hello=False) as mallory:
        mallory.socket.send(json.dumps({"type": "hello", "id": 1, "user": user}))
        assert mallory.expect_closed(timeout=10) in (4000, 4001, 4008)


def test_sending_above_the_rate_is_limited_then_closed(name):
    with Node("--send-rate", "60") as node, Client(node.url, name("mallory")) as mallory:
        answers = []
        for _ in range(300):
            answers.append(mallory.request("send", cid=new_cid(), to="@bob", body={"text": "x"}))
            if answers[-1]["type"] == "error":
                break
        limited = answers[-1]
        assert limited["code"] == "rate_limited"
        assert limited["retryable"] is True
        assert limited["retry_after_ms"] > 0
        for kind, fields in (("edit", {"target": 1, "body": {}}), ("delete", {"target": 1}),
                             ("react", {"target": 1, "emoji": "x"})):
            refused = mallory.request(kind, cid=new_cid(), to="@bob", **fields)
            assert refused["code"] == "rate_limited", kind
        response, _ = exchange(
            f"http://127.0.0.1:{node.port}", "POST",
            f"/api/conversations/@bob/messages?user={mallory.user}", (),
            json.dumps({"cid": new_cid(), "body": {"text": "x"}}))
        assert response.status == 429 and int(response.headers["retry-after"]) > 0
        for _ in range(2000):
            try:
                mallory.post_text("@bob", "x")
            except ConnectionClosed:
                break
        assert mallory.expect_closed() == 4101
