"""Rooms, on one node and over three."""

import contextlib
import uuid

import pytest

from chat import Client, new_cid


@pytest.fixture
def room():
    return f"#room-{uuid.uuid4().hex[:6]}"


@contextlib.contextmanager
def members(urls, *names):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Client(url, name)) for url, name in zip(urls, names)]


@pytest.fixture(params=["node", "cluster"])
def three(request, name):
    """alice, bob and carol: on one embedded node, or each on a node of the cluster."""
    if request.param == "node":
        urls = [request.getfixturevalue("node").url] * 3
    else:
        urls = list(request.getfixturevalue("cluster").urls().values())
    with members(urls, name("alice"), name("bob"), name("carol")) as clients:
        yield clients


def ok(answer):
    assert answer["type"] == "ok", answer


def refused(answer, code):
    assert (answer["type"], answer.get("code")) == ("error", code), answer


def test_what_one_writes_all_others_get_in_one_order(three, room):
    alice, bob, carol = three
    ok(alice.request("room.create", room=room, name="Lobby",
                     members=[f"@{bob.user}", f"@{carol.user}"]))
    for client in three:
        entry = client.next()
        assert (entry["conv"], entry["seq"], entry["kind"]) == (room, 1, "room")
        assert entry["body"]["action"] == "create"
    writers = [alice, bob, carol] * 5
    for number, writer in enumerate(writers):
        assert writer.send(room, f"message {number}")["seq"] == number + 2
    for client in three:
        theirs = [number + 2 for number, writer in enumerate(writers) if writer is not client]
        assert [client.next()["seq"] for _ in theirs] == theirs
        client.expect_quiet()


def test_who_is_no_member_cannot_tell_a_room_from_none(three, room):
    alice, bob, _ = three
    ok(alice.request("room.create", room=room, public=False))
    assert alice.next()["body"]["action"] == "create"
    alice.send(room, "between us")
    someone = f"@{alice.user}"
    for kind, fields in (
            ("send", {"body": {}}), ("edit", {"target": 2, "body": {}}), ("delete", {"target": 2}),
            ("react", {"target": 2, "emoji": "x"}), ("history", {}), ("recv", {"seq": 1}),
            ("read", {"seq": 1}), ("room.members", {}), ("room.join", {}), ("room.leave", {}),
            ("room.invite", {"users": [f"@{bob.user}"]}), ("room.kick", {"user": someone}),
            ("room.role", {"user": someone, "role": "member"}), ("room.update", {"name": "x"})):
        place = "room" if kind.startswith("room.") else "to"
        answers = []
        for target in (room, "#nowhere-at-all"):
            answer = bob.request(kind, **{place: target, "cid": new_cid()}, **fields)
            refused(answer, "not_found")
            answers.append({key: value for key, value in answer.items() if key != "id"})
        assert answers[0] == answers[1], kind
    bob.post("typing", to=room)
    assert bob.request("ping")["type"] == "pong"
    alice.expect_quiet()


def test_joining_reading_back_and_leaving(three, room):
    alice, bob, carol = three
    ok(alice.request("room.create", room=room))
    alice.send(room, "before")
    ok(bob.request("room.join", room=room))
    assert bob.next()["body"]["action"] == "join"
    # Of a public room all may be read back.
    page = bob.request("history", to=room)
    assert [item["seq"] for item in page["items"]] == [1, 2, 3]
    alice.send(room, "with bob")
    assert bob.next()["body"]["text"] == "with bob"
    ok(bob.request("room.leave", room=room))
    assert bob.next()["body"]["action"] == "leave"
    alice.send(room, "without bob")
    bob.expect_quiet()
    refused(bob.request("history", to=room), "not_found")
    carol.expect_quiet()


def test_a_private_room_shows_what_came_since(three, room):
    alice, bob, _ = three
    ok(alice.request("room.create", room=room, public=False))
    alice.send(room, "not for bob")
    ok(alice.request("room.invite", room=room, users=[f"@{bob.user}"]))
    invitation = bob.next()
    assert (invitation["seq"], invitation["body"]["users"]) == (3, [f"@{bob.user}"])
    assert [item["seq"] for item in bob.request("history", to=room)["items"]] == [3]
    refused(bob.request("room.invite", room=room, users=["@dave"]), "forbidden")


def test_whoever_asks_sees_how_far_each_member_is(three, room):
    alice, bob, carol = three
    ok(alice.request("room.create", room=room, members=[f"@{bob.user}", f"@{carol.user}"]))
    alice.send(room, "hello")
    ok(bob.request("recv", to=room, seq=2))
    ok(carol.request("read", to=room, seq=1))
    listed = alice.request("room.members", room=room)["items"]
    assert {item["user"]: (item["recv"], item["read"]) for item in listed} == {
        f"@{alice.user}": (0, 0), f"@{bob.user}": (2, 0), f"@{carol.user}": (1, 1)}


def test_roles(three, room):
    alice, bob, carol = three
    everybody = [f"@{client.user}" for client in three]
    ok(alice.request("room.create", room=room, members=everybody[1:]))
    assert carol.next()["body"]["action"] == "create"
    refused(bob.request("room.kick", room=room, user=everybody[2]), "forbidden")
    refused(bob.request("room.update", room=room, topic="mine"), "forbidden")
    refused(bob.request("room.role", room=room, user=everybody[1], role="owner"), "forbidden")
    ok(alice.request("room.role", room=room, user=everybody[1], role="moderator"))
    answer = carol.request("room.members", room=room)
    assert {item["user"]: item["role"] for item in answer["items"]} == dict(
        zip(everybody, ["owner", "moderator", "member"]))
    ok(bob.request("room.kick", room=room, user=everybody[2]))
    refused(bob.request("room.kick", room=room, user=everybody[0]), "forbidden")
    # The one who was taken out is told so, as the last thing.
    while (entry := carol.next())["body"]["action"] != "kick":
        pass
    alice.send(room, "without carol")
    carol.expect_quiet()


def test_owners_say_how_long_a_room_keeps_entries(three, room):
    alice, bob, _ = three
    ok(alice.request("room.create", room=room, members=[f"@{bob.user}"], retain=365))
    assert bob.next()["body"]["retain"] == 365
    ok(alice.request("room.role", room=room, user=f"@{bob.user}", role="moderator"))
    bob.next()
    refused(bob.request("room.update", room=room, retain=30), "forbidden")
    for wrong in (-1, 3651, 1.5, "30"):
        refused(alice.request("room.update", room=room, retain=wrong), "bad_request")
    for days in (30, 0):
        ok(alice.request("room.update", room=room, retain=days))
        assert bob.next()["body"] == {"action": "update", "retain": days}
        items = bob.request("conversations")["items"]
        assert next(item for item in items if item["conv"] == room).get("retain", 0) == days


def test_edits_deletions_and_reactions_are_entries(three, room):
    alice, bob, _ = three
    ok(alice.request("room.create", room=room, members=[f"@{bob.user}"]))
    target = alice.send(room, "teh")["seq"]
    edit = alice.request("edit", to=room, target=target, cid=new_cid(), body={"text": "the"})
    react = bob.request("react", to=room, target=target, cid=new_cid(), emoji="👍")
    assert (edit["seq"], react["seq"]) == (target + 1, target + 2)
    bob.next(), bob.next()
    entry = bob.next()
    assert (entry["kind"], entry["target"], entry["body"]) == ("edit", target, {"text": "the"})
    refused(bob.request("edit", to=room, target=target, cid=new_cid(), body={}), "forbidden")
    refused(bob.request("delete", to=room, target=target, cid=new_cid()), "forbidden")
    refused(bob.request("react", to=room, target=99, cid=new_cid(), emoji="👍"), "not_found")
    item = bob.request("history", to=room, after=target - 1, limit=1)["items"][0]
    assert (item["body"], item["edited"]) == ({"text": "the"}, edit["seq"])
    deletion = alice.request("delete", to=room, target=target, cid=new_cid())
    items = bob.request("history", to=room, after=target - 1)["items"]
    assert (items[0]["body"], items[0]["deleted"]) == ({}, deletion["seq"])
    # Nothing of it is left, neither in the edit.
    assert "the" not in str([item["body"] for item in items])


def test_a_device_resumes_in_a_room(three, room):
    alice, bob, _ = three
    ok(alice.request("room.create", room=room, members=[f"@{bob.user}"]))
    bob.next()
    bob.socket.close()
    for number in range(5):
        alice.send(room, f"message {number}")
    with Client(bob.url, bob.user, device="again", resume={room: 3}) as again:
        summary, = [item for item in again.ready["conversations"] if item["conv"] == room]
        assert (summary["head"], summary["role"], summary["members"]) == (6, "member", 2)
        assert [again.next()["seq"] for _ in range(3)] == [4, 5, 6]
        alice.send(room, "live")
        assert again.next()["seq"] == 7


def test_one_cid_makes_one_room_and_one_change(three, room):
    alice, bob, _ = three
    cid = new_cid()
    for _ in range(2):
        ok(alice.request("room.create", room=room, cid=cid))
    refused(bob.request("room.create", room=room), "conflict")
    ok(bob.request("room.join", room=room))
    ok(bob.request("room.join", room=room))
    assert alice.request("history", to=room)["items"][-1]["seq"] == 2


def test_a_room_goes_over_the_broker_once_for_each_node(cluster, room, name):
    urls = cluster.urls()
    names = [name(f"u{number}") for number in range(6)]
    with members([*urls.values()] * 2, *names) as clients:
        creator, others = clients[0], clients[1:]
        ok(creator.request("room.create", room=room, members=[f"@{other}" for other in names[1:]]))
        for client in clients:
            client.next()
        before = published(cluster)
        for number in range(10):
            creator.send(room, f"message {number}")
        for client in others:
            assert [client.next()["seq"] for _ in range(10)] == list(range(2, 12))
        # Two other nodes, whoever and how many are there.
        assert published(cluster) - before == 20


def published(cluster):
    return sum(node["chat_bus_envelopes_published_total"] for node in cluster.metrics())
