"""Entries that were kept for as long as the server keeps them, on one node and over three."""

import itertools
import re
import urllib.request

import pytest

from chat import Client, new_cid
from servers import Cluster, Node, metrics, wait_until

RETAIN = ["--retain", "5s"]
SECONDS = 60


@pytest.fixture(scope="module", params=["node", "cluster"])
def server(request):
    """The addresses of the nodes, and what gives their metrics."""
    if request.param == "node":
        with Node(*RETAIN) as node:
            yield [node.url], lambda: [metrics(node.ops_port)]
    else:
        cluster = Cluster(options=lambda ports: RETAIN)
        try:
            yield list(cluster.urls().values()), cluster.metrics
        finally:
            cluster.end()


@pytest.fixture
def clients(server, name):
    """Alice and bob, with a node of its own each where there are several."""
    urls = itertools.cycle(server[0])
    with Client(next(urls), name("alice")) as alice, Client(next(urls), name("bob")) as bob:
        yield alice, bob


def await_removal(client, to):
    """Until nothing that was written is left."""
    wait_until(lambda: client.request("history", to=to)["items"] == [], SECONDS, "a removal")


def test_what_is_removed_is_told_where_it_would_have_been(server, clients):
    alice, bob = clients
    to_bob, to_alice = f"@{bob.user}", f"@{alice.user}"
    for number in range(1, 4):
        assert alice.send(to_bob, f"message {number}")["seq"] == number
        assert bob.next()["seq"] == number
    bob.request("read", to=to_alice, seq=2)
    await_removal(alice, to_bob)
    # Live sessions have had all of it: nothing to tell.
    bob.expect_quiet()

    page = bob.request("history", to=to_alice, after=1)
    gap = {"type": "gap", "conv": to_alice, "after": 1, "before": 4, "removed": True}
    assert bob.next("gap") == gap
    assert (page["items"], page["more"]) == ([], False)
    with Client(bob.url, bob.user, device="other", resume={to_alice: 1}) as device:
        state = device.ready["conversations"][0]
        assert (state["head"], state["read"], state["unread"]) == (3, 2, 0)
        assert device.next("gap") == gap
        # Numbers go on; a message that was sent before is one like others now.
        assert alice.send(to_bob, "after")["seq"] == 4
        assert device.next()["seq"] == 4
        device.expect_quiet()
    assert sum(node["chat_retention_removed_total"] for node in server[1]()) >= 3


def test_a_cid_counts_for_as_long_as_its_message_is_kept(clients):
    alice, bob = clients
    to_bob, cid = f"@{bob.user}", new_cid()
    first = alice.send(to_bob, "once", cid)
    again = alice.send(to_bob, "once", cid)
    assert (first["seq"], first["dup"], again["seq"], again["dup"]) == (1, False, 1, True)
    await_removal(alice, to_bob)
    late = alice.send(to_bob, "once", cid)
    assert (late["seq"], late["dup"]) == (2, False)
    assert [bob.next()["seq"] for _ in range(2)] == [1, 2]


def test_a_room_keeps_its_members_and_goes_on(clients):
    alice, bob = clients
    room = f"#room-{alice.user}"
    assert alice.request("room.create", room=room, public=False,
                         members=[f"@{bob.user}"])["type"] == "ok"
    assert bob.next()["seq"] == 1
    await_removal(bob, room)
    members = bob.request("room.members", room=room)["items"]
    assert {item["user"]: item["role"] for item in members} == {
        f"@{alice.user}": "owner", f"@{bob.user}": "member"}
    assert bob.send(room, "still here")["seq"] == 2
    assert [alice.next()["seq"] for _ in range(2)] == [1, 2]
    with Client(bob.url, bob.user, device="other") as device:
        state = next(item for item in device.ready["conversations"] if item["conv"] == room)
        assert state["since"] >= 1


def test_the_rest_interface_answers_with_what_is_left(clients):
    alice, bob = clients
    alice.send(f"@{bob.user}", "gone soon")
    await_removal(alice, f"@{bob.user}")
    base = re.sub("^ws", "http", alice.url).removesuffix("/ws")
    answer = urllib.request.urlopen(
        f"{base}/api/conversations/@{bob.user}/messages?user={alice.user}&after=0", timeout=15)
    assert b'"items":[],"more":false' in answer.read()
