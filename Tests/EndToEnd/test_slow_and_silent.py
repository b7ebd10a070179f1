"""Connections that drip, that never read and that ping, beside a pair that must not notice."""

import contextlib
import json
import socket

import pytest

from chat import Client
from raw import PING, TEXT, frame, open_socket, request, upgrade_headers
from servers import Node, wait_until

DRIPS, MUTES, PINGS, MESSAGES = 40, 40, 40, 60
TEXT_BYTES = 16_000
# What a peer may have pending before it is told nothing more, and room for one message and the
# array's growth.
PENDING_MAX = 2 * (256 * 1024 + 2 * TEXT_BYTES)


@pytest.fixture(scope="module")
def victim():
    with Node() as node:
        yield node


def mute(node, user):
    """A session that never reads, as over an Ethernet: loopback's segments fill megabytes."""
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", node.port))
    connection.sendall(request(f"/ws?user={user}", headers=upgrade_headers()))
    return connection


def upgraded(node, user):
    connection = open_socket(node.port)
    connection.sendall(request(f"/ws?user={user}", headers=upgrade_headers()))
    assert connection.recv(4096).startswith(b"HTTP/1.1 101")
    return connection


def test_a_pair_beside_slow_silent_and_loud_connections_gets_everything(victim, name):
    with contextlib.ExitStack() as stack:
        def opened(connection):
            return stack.enter_context(contextlib.closing(connection))
        silent = name("silent")
        heads = [opened(open_socket(victim.port)) for _ in range(DRIPS)]
        dripping = [opened(upgraded(victim, name("drip"))) for _ in range(DRIPS)]
        pinging = [opened(upgraded(victim, name("ping"))) for _ in range(PINGS)]
        mutes = [opened(mute(victim, silent)) for _ in range(MUTES)]
        alice = stack.enter_context(Client(victim.url, name("alice")))
        bob = stack.enter_context(Client(victim.url, name("bob")))
        loud = stack.enter_context(Client(victim.url, name("loud")))
        sessions = DRIPS + PINGS + MUTES + 3
        wait_until(lambda: victim.metrics()["chat_sessions"] >= sessions, 10, "all sessions")
        memory = victim.resident_bytes()
        head = request("/ws", headers=("Host: localhost", "X-Drip: " + "a" * 200))
        message = frame(TEXT, json.dumps({"type": "ping", "id": "x" * 200}).encode())
        for number in range(MESSAGES):
            loud.send(f"@{silent}", "x" * TEXT_BYTES)
            for connection in heads:
                connection.sendall(head[number:number + 1])
            for connection in dripping:
                connection.sendall(message[number:number + 1])
            for connection in pinging:
                connection.sendall(frame(PING))
            alice.send(f"@{bob.user}", f"message {number}")
            received = bob.next(timeout=5)
            assert (received["seq"], received["body"]["text"]) == (
                number + 1, f"message {number}")
        assert victim.resident_bytes() - memory < MUTES * PENDING_MAX
        # Who still does not read 10 s later is closed, and what was kept for it is free again.
        left = sessions - MUTES
        wait_until(lambda: victim.metrics()["chat_sessions"] <= left, 20, "the silent sessions' end")
        assert victim.metrics()["chat_gaps_total"] >= MUTES
        alice.send(f"@{bob.user}", "still here")
        assert bob.next()["body"]["text"] == "still here"
        wait_until(lambda: victim.resident_bytes() - memory < MUTES * PENDING_MAX // 4, 20, "memory")
