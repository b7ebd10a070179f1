"""What the tests share: running servers, fresh names, and a watch over innocent bystanders."""

import contextlib
import os
import time
import uuid

import pytest

from chat import Client
from proxies import Nginx
from servers import Cluster, Node

MEMORY_GROWTH_MAX = 2 * 1024 * 1024
# A sanitizer keeps what is freed, to know it when it is used again.
MEMORY_SAYS_NOTHING = "CHAT_SANITIZED" in os.environ


# Tests send as fast as they can, but for those of the rate.
os.environ.setdefault("CHAT_SEND_RATE", "0")


@pytest.fixture(scope="session")
def node():
    with Node() as node:
        yield node


@pytest.fixture(scope="session")
def nginx(node):
    """nginx in front of the shared node."""
    with Nginx(node.port) as nginx:
        yield nginx


@pytest.fixture(params=["node", "nginx"])
def entrance(request):
    """Where a client comes in: at the shared node itself, or through nginx."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.end()


@pytest.fixture
def name():
    """Makes names of users nobody else has: name("alice") is "alice-5e1f03"."""
    return lambda base: f"{base}-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def pair(node, name):
    """Two users on the embedded node, connected."""
    with Client(node.url, name("alice")) as alice, Client(node.url, name("bob")) as bob:
        yield alice, bob


class Bystanders:
    """Two users who chat on while others misbehave."""

    def __init__(self, node, tag):
        self.node = node
        self.one = Client(node.url, f"carol-{tag}")
        self.other = Client(node.url, f"dave-{tag}")
        for _ in range(100):
            self.chat()

    def chat(self):
        text = uuid.uuid4().hex
        self.one.send(f"@{self.other.user}", text)
        assert self.other.next(timeout=5)["body"]["text"] == text

    @contextlib.contextmanager
    def unharmed(self, growth_max=MEMORY_GROWTH_MAX, lines_max=1):
        """The node lives, others are served, memory is flat, and the log is short."""
        memory, lines = self.node.resident_bytes(), len(self.node.log_lines())
        yield
        assert self.node.is_alive(), self.node.log_lines()[-5:]
        self.chat()
        new_lines = self.node.log_lines()[lines:]
        assert len(new_lines) <= lines_max, new_lines
        if MEMORY_SAYS_NOTHING:
            return
        growth = self.settled_growth(memory, growth_max)
        assert growth < growth_max, f"memory grew by {growth} bytes"

    def settled_growth(self, memory, growth_max):
        """Growth after at most a second in which closed connections are freed."""
        deadline = time.monotonic() + 1
        while (growth := self.node.resident_bytes() - memory) >= growth_max:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return growth

    def close(self):
        self.one.socket.close()
        self.other.socket.close()


@pytest.fixture(scope="session")
def bystanders(node):
    bystanders = Bystanders(node, uuid.uuid4().hex[:6])
    yield bystanders
    bystanders.close()


@pytest.fixture
def unharmed(bystanders):
    """Wraps a test on the shared node: see Bystanders.unharmed."""
    with bystanders.unharmed():
        yield
