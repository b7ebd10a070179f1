"""What clients notice when a part of the system goes away and comes back."""

import collections
import contextlib
import http.client
import json
import subprocess
import threading
import time
import urllib.parse

import pytest

from chat import Client, Reader, new_cid
from servers import BUILD, free_port, wait_until


@pytest.fixture
def healed(cluster):
    """Whatever a test broke, the next one finds the whole cluster."""
    yield
    cluster.run("up")


def test_a_killed_node_loses_and_doubles_nothing(cluster, name, healed):
    urls = cluster.urls()
    total = 1000
    with Client(urls["server1"], name("alice")) as alice:
        reader = Reader([urls["server2"], urls["server3"]], name("bob"), f"@{alice.user}")
        reader.connect()
        acked = []

        def write():
            for number in range(total):
                acked.append(alice.send(f"@{reader.user}", f"message {number}")["cid"])

        writer = threading.Thread(target=write)
        writer.start()
        reader.read_until(total // 4, seconds=60)
        cluster.run("kill", "server2", "-9")
        reader.read_until(total, seconds=90)
        writer.join()
        assert [message["cid"] for message in reader.applied] == acked
        assert [message["seq"] for message in reader.applied] == list(range(1, total + 1))
        assert reader.client.ready["node"] == "server3"
        reader.client.expect_quiet()
        reader.client.socket.close()


def test_messages_to_a_dead_nodes_user_are_kept(cluster, name, healed):
    urls = cluster.urls()
    bob = name("bob")
    with Client(urls["server1"], name("alice")) as alice:
        with Client(urls["server2"], bob):
            cluster.run("kill", "server2", "-9")
            for number in range(20):
                alice.send(f"@{bob}", f"message {number}")
        with Client(urls["server3"], bob, resume={f"@{alice.user}": 0}) as reader:
            assert [reader.next()["seq"] for _ in range(20)] == list(range(1, 21))


def test_the_users_of_a_killed_node_are_offline_within_15_s(cluster, name, healed):
    urls = cluster.urls()
    bob = name("bob")
    with Client(urls["server1"], name("alice")) as alice, Client(urls["server2"], bob):
        watched, = alice.request("presence.watch", users=[f"@{bob}"])["users"]
        assert watched["state"] == "online"
        cluster.run("kill", "server2", "-9")
        told = alice.next("presence", timeout=15)
        assert (told["user"], told["state"]) == (f"@{bob}", "offline")


def test_a_node_that_comes_back_serves_again(cluster, name, healed):
    cluster.run("kill", "server3", "-9")
    cluster.run("start", "server3")
    urls = cluster.urls()
    with (Client(urls["server3"], name("alice")) as alice,
          Client(urls["server1"], name("bob")) as bob):
        alice.send(f"@{bob.user}", "hi")
        assert bob.next()["body"]["text"] == "hi"
        bob.send(f"@{alice.user}", "hi")
        assert alice.next()["body"]["text"] == "hi"


def test_a_node_that_comes_back_gets_its_share_through_nginx(cluster, name, healed):
    """Of clients that stay, like most, so that nginx never sees a request to it end well."""
    url = cluster.status()["nginx"]
    with contextlib.ExitStack() as clients:
        def nodes_of_new_clients(count):
            return collections.Counter(
                clients.enter_context(Client(url, name("alice"))).ready["node"]
                for _ in range(count))
        cluster.run("kill", "server2", "-9")
        assert set(nodes_of_new_clients(20)) == {"server1", "server3"}
        cluster.run("start", "server2")
        # A third of them, give or take chance.
        assert nodes_of_new_clients(90)["server2"] > 12


def send_until_acked(client, to, text, seconds=30):
    """Sends as a careful client does: the same cid again after a retryable error."""
    cid, deadline = new_cid(), time.monotonic() + seconds
    while True:
        answer = client.request("send", cid=cid, to=to, body={"text": text})
        if answer["type"] == "ack":
            return answer
        assert answer["retryable"] is True, answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)


@pytest.mark.parametrize("server", ["redis", "rabbitmq", "postgres"])
@pytest.mark.parametrize("how", [("stop",), ("kill", "-9")], ids=["stopped", "killed"])
def test_clients_stay_connected_while_a_server_restarts(cluster, name, healed, server, how):
    urls = cluster.urls()
    with (Client(urls["server1"], name("alice")) as alice,
          Client(urls["server2"], name("bob")) as bob):
        alice.send(f"@{bob.user}", "before")
        bob.next()
        cluster.run(how[0], server, *how[1:])
        during = alice.post_text(f"@{bob.user}", "during")
        cluster.run("start", server)

        answer = alice.answer(during, timeout=30)
        assert answer["type"] == "ack" or answer["retryable"], answer
        send_until_acked(alice, f"@{bob.user}", "after")
        texts = [bob.next(timeout=30)["body"]["text"]]
        while texts[-1] != "after":
            texts.append(bob.next(timeout=30)["body"]["text"])
        assert texts == (["during"] if answer["type"] == "ack" else []) + ["after"]

        send_until_acked(bob, f"@{alice.user}", "and back")
        assert alice.next(timeout=30)["body"]["text"] == "and back"


def presence_by_request(url, user):
    """The status of the answer, and the state or the error that it tells."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=15)
    connection.request("GET", f"/api/users/{user}/presence?user=alice")
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told["users"][0]["state"] if "users" in told else told["code"]


def test_presence_by_request_is_no_guess_while_redis_is_away(cluster, name, healed):
    url = cluster.urls()["server1"]
    with Client(url, name("bob")) as bob, Client(url, name("alice")) as alice:
        alice.request("presence.watch", users=[bob.user])
        wait_until(lambda: presence_by_request(url, bob.user) == (200, "online"), 15, "bob here")
        cluster.run("stop", "redis")
        for user in (bob.user, name("carol")):
            assert presence_by_request(url, user) == (503, "unavailable")
        cluster.run("start", "redis")
        wait_until(lambda: presence_by_request(url, bob.user) == (200, "online"), 30, "bob again")


def test_acks_do_not_wait_for_the_broker(cluster, name, healed):
    urls = cluster.urls()
    with (Client(urls["server1"], name("alice")) as alice,
          Client(urls["server2"], name("bob")) as bob):
        cluster.run("stop", "rabbitmq")
        started = time.monotonic()
        for number in range(20):
            alice.send(f"@{bob.user}", f"message {number}")
        assert time.monotonic() - started < 5
        cluster.run("start", "rabbitmq")
        reader = [bob.next(timeout=30)["seq"] for _ in range(20)]
        assert reader == list(range(1, 21))


def consumers(cluster, queue):
    shown = cluster.run("rabbitmqctl", "--formatter", "json", "list_queues", "name", "consumers")
    return {row["name"]: row["consumers"] for row in json.loads(shown)}.get(queue)


def test_a_second_process_with_a_nodes_id_is_refused(cluster):
    """RabbitMQ gives a node's queue to one consumer; the other gives up after three heartbeats."""
    status = cluster.status()
    # After a test that restarted the broker the node may still be on its way back to its queue,
    # and whoever comes first has it.
    wait_until(lambda: consumers(cluster, "chat.queue.server1") == 1, 30, "server1 at its queue")
    ended = subprocess.run(
        [BUILD / "chat-server", "--node-id", "server1", "--listen", f"127.0.0.1:{free_port()}",
         "--ops-listen", f"127.0.0.1:{free_port()}", "--redis", status["redis"],
         "--amqp", status["amqp"], "--database", status["database"]],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
    assert ended.returncode != 0
    assert "server1" in ended.stdout + ended.stderr
    assert all(node["pid"] for node in cluster.status()["nodes"])
