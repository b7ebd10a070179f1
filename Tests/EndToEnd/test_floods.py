"""One client pours out what takes no token, as fast as it can: others are served meanwhile."""

import contextlib
import itertools
import json
import socket
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed

from chat import Client


def lists_of_users():
    for number in itertools.count():
        users = [f"@w{number}-{index}" for index in range(1_000)]
        yield {"type": "presence.watch", "users": users}


def states():
    for state in itertools.cycle(("away", "online")):
        yield {"type": "presence", "state": state}


def marks():
    for number in itertools.count():
        yield {"type": "read", "to": f"@m{number}", "seq": 1}


def typing():
    while True:
        yield {"type": "typing", "to": "@bob"}


def pages():
    while True:
        yield {"type": "conversations"}


class Pouring(threading.Thread):
    """Comes again whenever the server has enough of it."""

    def __init__(self, url, user, flood):
        super().__init__()
        self.url, self.user, self.flood = url, user, flood
        self.client = Client(url, user)
        self.is_over = False

    def run(self):
        while not self.is_over:
            with contextlib.suppress(ConnectionClosed, OSError):
                for frame in self.flood():
                    self.client.socket.send(json.dumps(frame))
            if not self.is_over:
                self.client = Client(self.url, self.user)

    def end(self):
        self.is_over = True
        while self.is_alive():
            # It waits in a write: the server does not read it.
            with contextlib.suppress(OSError):
                self.client.socket.socket.shutdown(socket.SHUT_RDWR)
            self.join(0.1)


@pytest.mark.parametrize("flood", [lists_of_users, states, marks, typing, pages])
def test_a_flood_holds_up_nobody(node, bystanders, name, flood):
    with bystanders.unharmed():
        pouring = Pouring(node.url, name("mallory"), flood)
        pouring.start()
        try:
            for _ in range(20):
                bystanders.chat()
                time.sleep(0.1)
        finally:
            pouring.end()
