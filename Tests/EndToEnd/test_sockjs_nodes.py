"""SockJS sessions whose requests come to several nodes, when a node or Redis goes."""

import json
import urllib.parse

import pytest

from servers import Cluster, wait_until
from sockjs import Session


@pytest.fixture
def cluster():
    cluster = Cluster(options=lambda ports: ["--drain", "1"])
    yield cluster
    cluster.end()


@pytest.fixture
def services(cluster):
    """The address of the SockJS service of each node."""
    return {node: f"http://{urllib.parse.urlsplit(url).netloc}/sockjs"
            for node, url in cluster.urls().items()}


def opened(url, user):
    """A session with its `ready` received."""
    session = Session(url, query=f"user={user}")
    assert session.poll() == "o\n"
    assert "ready" in session.poll()
    return session


def at(url, session):
    """The same session, by way of another node."""
    return Session(url, session=session.name, query=session.query)


def chunks(response):
    return list(iter(response.chunk, ""))


def test_a_node_that_stops_ends_what_it_carries_and_what_it_has(cluster, services, name):
    staying = opened(services["server1"], name("alice"))
    going = opened(services["server2"], name("bob"))
    with (at(services["server2"], staying).streaming("POST", "xhr_streaming") as carried,
          at(services["server1"], going).streaming("POST", "xhr_streaming") as carrying):
        assert carried.chunk()[0] == carrying.chunk()[0] == "h"
        cluster.run("kill", "server2", "-TERM")
        assert chunks(carried) == ["h\n"]
        on_third = at(services["server3"], staying)
        on_third.send(json.dumps({"type": "ping", "id": 1}))
        assert "pong" in on_third.poll()
        said = chunks(carrying)
        assert "reconnect" in said[0]
        assert said[-1] == 'c[4200,"the node is stopping"]\n'
    wait_until(lambda: cluster.status()["nodes"][1]["pid"] is None, 15, "stopped")


def test_while_redis_is_away_no_session_is_opened_twice(cluster, services, name):
    alice = opened(services["server1"], name("alice"))
    cluster.run("stop", "redis")
    elsewhere = at(services["server2"], alice)
    assert elsewhere.request("POST", "xhr")[0].status == 503
    alice.send(json.dumps({"type": "ping", "id": 1}))
    assert "pong" in alice.poll()
