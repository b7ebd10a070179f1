"""Receipts, typing and presence, on one node and over two."""

import contextlib
import time

import pytest

from chat import Client


@pytest.fixture(params=["node", "cluster"])
def urls(request):
    """Where two users connect: at one embedded node, or at two nodes of the cluster."""
    if request.param == "node":
        return [request.getfixturevalue("node").url] * 2
    return list(request.getfixturevalue("cluster").urls().values())[:2]


@pytest.fixture
def both(urls, name):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Client(url, name(base)))
               for url, base in zip(urls, ("alice", "bob"))]


def test_the_sender_and_the_own_devices_are_told_of_what_is_read(both):
    alice, bob = both
    with Client(alice.url, bob.user, device="other") as other:
        for number in range(3):
            alice.send(f"@{bob.user}", f"message {number}")
        assert bob.request("recv", to=f"@{alice.user}", seq=3)["type"] == "ok"
        receipt = alice.next("receipt")
        assert (receipt["conv"], receipt["user"]) == (f"@{bob.user}", f"@{bob.user}")
        assert (receipt["recv"], receipt["read"]) == (3, 0)
        assert bob.request("read", to=f"@{alice.user}", seq=2)["type"] == "ok"
        assert alice.next("receipt")["read"] == 2
        assert other.next("receipt")["recv"] == 3
        receipt = other.next("receipt")
        assert (receipt["conv"], receipt["read"]) == (f"@{alice.user}", 2)
    mine, = bob.request("conversations")["items"]
    assert (mine["recv"], mine["read"], mine["unread"]) == (3, 2, 1)
    theirs, = alice.request("conversations")["items"]
    assert theirs["peer"] == {"recv": 3, "read": 2}


def test_marks_never_fall_nor_pass_the_head(both):
    alice, bob = both
    alice.send(f"@{bob.user}", "hi")
    for seq in (99, 0, 1):
        assert bob.request("read", to=f"@{alice.user}", seq=seq)["type"] == "ok"
    mine, = bob.request("conversations")["items"]
    assert (mine["recv"], mine["read"], mine["unread"]) == (1, 1, 0)
    assert bob.request("read", to="@nobody-i-know", seq=1)["code"] == "not_found"


def test_typing_is_told_to_who_is_in_the_conversation(both):
    alice, bob = both
    alice.post("typing", to=f"@{bob.user}")
    bob.expect_quiet()
    alice.send(f"@{bob.user}", "hi")
    bob.next()
    time.sleep(1.1)
    alice.post("typing", to=f"@{bob.user}")
    typing = bob.next("typing")
    assert (typing["conv"], typing["user"]) == (f"@{alice.user}", f"@{alice.user}")


def test_presence_is_told_to_who_watches(urls, name):
    bob = name("bob")
    with Client(urls[0], name("alice")) as alice:
        answer = alice.request("presence.watch", users=[f"@{bob}"])
        assert answer["users"] == [{"user": f"@{bob}", "state": "offline"}]
        with Client(urls[1], bob) as device, Client(urls[1], bob, device="other") as other:
            assert alice.next("presence")["state"] == "online"
            assert device.request("presence", state="away")["type"] == "ok"
            other.socket.close()
            assert alice.next("presence")["state"] == "away"
        gone = time.time()
        told = alice.next("presence")
        assert told["state"] == "offline"
        assert abs(told["last_seen"] / 1000 - gone) < 10
        # Not before the grace for who reconnects.
        assert time.time() - gone > 4


def test_who_reconnects_at_once_was_never_gone(urls, name):
    bob = name("bob")
    with Client(urls[0], name("alice")) as alice, Client(urls[1], bob, device="d") as device:
        alice.request("presence.watch", users=[f"@{bob}"])
        device.socket.close()
        with Client(urls[1], bob, device="d"):
            time.sleep(6)
            alice.expect_quiet()
