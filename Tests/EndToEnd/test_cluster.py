"""Chatting between nodes, over Redis, RabbitMQ and PostgreSQL, behind nginx."""

import concurrent.futures
import json
import urllib.parse

import pika

from chat import Client, Reader, new_cid
from servers import get, wait_until


def test_status_names_everything(cluster):
    status = cluster.status()
    assert set(status) == {"nginx", "nodes", "redis", "amqp", "database"}
    assert [node["id"] for node in status["nodes"]] == ["server1", "server2", "server3"]
    for node in status["nodes"]:
        assert set(node) == {"id", "url", "ops", "pid"}
        assert get(urllib.parse.urlsplit(node["ops"]).port, "/readyz")[0] == 200


def test_messages_cross_the_nodes_both_ways(cluster, name):
    urls = cluster.urls()
    with (Client(urls["server1"], name("alice")) as alice,
          Client(urls["server2"], name("bob")) as bob):
        assert (alice.ready["node"], bob.ready["node"]) == ("server1", "server2")
        for number in range(1, 21, 2):
            assert alice.send(f"@{bob.user}", f"message {number}")["seq"] == number
            assert bob.next()["seq"] == number
            assert bob.send(f"@{alice.user}", f"message {number + 1}")["seq"] == number + 1
            assert alice.next()["seq"] == number + 1
        alice.expect_quiet()
        bob.expect_quiet()


def test_devices_on_different_nodes_all_get_a_message_once(cluster, name):
    bob = name("bob")
    urls = cluster.urls()
    devices = [Client(url, bob, device=f"on-{node}") for node, url in urls.items()]
    with Client(urls["server1"], name("alice")) as alice:
        alice.send(f"@{bob}", "to all")
        for device in devices:
            assert device.next()["body"]["text"] == "to all"
        for device in devices:
            device.expect_quiet()
            device.socket.close()


def test_a_device_that_comes_to_another_node_replaces_its_connection(cluster, name):
    urls = cluster.urls()
    bob = name("bob")
    with Client(urls["server1"], name("alice")) as alice:
        with Client(urls["server2"], bob, device="phone") as old:
            with Client(urls["server3"], bob, device="phone") as new:
                assert old.expect_closed() == 4004
                alice.send(f"@{bob}", "hi")
                assert new.next()["body"]["text"] == "hi"


def test_the_message_goes_to_rabbitmq_with_its_nodes_key(cluster, name):
    status = cluster.status()
    connection = pika.BlockingConnection(pika.URLParameters(status["amqp"] + "/%2f"))
    channel = connection.channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "chat.exchange", "chat.#")
    urls = cluster.urls()
    with (Client(urls["server1"], name("alice")) as alice,
          Client(urls["server2"], name("bob")) as bob):
        alice.send(f"@{bob.user}", "find me")
        bob.next()
        keys = set()
        for method, _, body in channel.consume(queue, auto_ack=True, inactivity_timeout=2):
            if method is None:
                break
            if b"find me" in body:
                keys.add(method.routing_key)
    connection.close()
    assert keys == {"chat.server2"}


def test_each_node_has_one_queue_with_static_bindings(cluster):
    shown = cluster.run("rabbitmqctl", "--formatter", "json", "list_bindings")
    bindings = {(row["destination_name"], row["routing_key"]) for row in json.loads(shown)
                if row["source_name"] == "chat.exchange"}
    assert bindings == {(f"chat.queue.server{number}", key) for number in (1, 2, 3)
                        for key in (f"chat.server{number}", "chat.all")}


def test_one_cid_50_times_at_once_over_two_nodes_is_one_message(cluster, name):
    urls = cluster.urls()
    alice, bob, cid = name("alice"), name("bob"), new_cid()
    senders = [Client(urls[node], alice, device=f"{node}-{number}")
               for number in range(5) for node in ("server1", "server2")]
    with Client(urls["server3"], bob) as reader:
        with concurrent.futures.ThreadPoolExecutor(len(senders)) as pool:
            acks = list(pool.map(lambda sender: send_five_times(sender, bob, cid), senders))
        acks = [ack for five in acks for ack in five]
        assert len(acks) == 50
        assert {ack["type"] for ack in acks} == {"ack"}
        assert {ack["seq"] for ack in acks} == {1}
        assert sum(not ack["dup"] for ack in acks) == 1
        assert reader.next()["cid"] == cid
        reader.expect_quiet()
        assert len(reader.request("history", to=f"@{alice}")["items"]) == 1
    for sender in senders:
        sender.socket.close()


def send_five_times(sender, to, cid):
    return [sender.answer(number)
            for number in [sender.post_text(f"@{to}", "only once", cid) for _ in range(5)]]


def test_nginx_keeps_a_user_on_one_node(cluster, name):
    url = cluster.status()["nginx"]
    nodes_of_users = []
    for _ in range(12):
        user = name("alice")
        nodes = set()
        for device in ("phone", "web", "tablet"):
            with Client(f"{url}?user={user}", user, device, hello=False) as client:
                nodes.add(client.next("ready")["node"])
        assert len(nodes) == 1
        nodes_of_users.append(nodes.pop())
    assert len(set(nodes_of_users)) > 1


def test_chat_through_nginx(cluster, name):
    url = cluster.status()["nginx"]
    with Client(url, name("alice")) as alice, Client(url, name("bob")) as bob:
        for number in range(200):
            alice.post_text(f"@{bob.user}", f"message {number}")
        assert [bob.next()["seq"] for _ in range(200)] == list(range(1, 201))


def test_who_was_offline_catches_up_on_another_node(cluster, name):
    urls = cluster.urls()
    bob = name("bob")
    with Client(urls["server1"], name("alice")) as alice:
        with Client(urls["server2"], bob) as reader:
            alice.send(f"@{bob}", "seen")
            reader.next()
        for _ in range(10):
            alice.send(f"@{bob}", "missed")
        with Client(urls["server3"], bob, resume={f"@{alice.user}": 1}) as reader:
            assert [reader.next()["seq"] for _ in range(10)] == list(range(2, 12))
            alice.send(f"@{bob}", "live")
            assert reader.next()["seq"] == 12


def test_devices_that_come_and_move_in_mid_stream_miss_nothing(cluster, name):
    urls, total = cluster.urls(), 1000
    elsewhere = [urls["server2"], urls["server3"]]
    with Client(urls["server1"], name("alice")) as alice:
        mover = Reader(elsewhere, name("bob"), f"@{alice.user}")
        mover.connect()
        numbers = list(range(1, total + 1))

        def write():
            for number in numbers:
                alice.send(f"@{mover.user}", f"message {number}")

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            followers = []
            for count in range(50, total, 50):
                mover.read_until(count, seconds=30)
                mover.client.socket.close()
                mover.connect()
                if count % 250 == 0:
                    followers.append(Client(elsewhere[len(followers) % 2], mover.user,
                                            resume={mover.partner: 0}))
            mover.read_until(total, seconds=30)
            writing.result()
        assert [message["seq"] for message in mover.applied] == numbers
        for follower in followers:
            assert [follower.next()["seq"] for _ in numbers] == numbers
            follower.socket.close()


def test_a_users_move_to_another_node_is_noticed(cluster, name):
    """The sender's node knows bob's old place; each message still finds him."""
    urls = cluster.urls()
    with Client(urls["server1"], name("alice")) as alice:
        reader = Reader([urls["server2"], urls["server3"]], name("bob"), f"@{alice.user}")
        for number in range(1, 11):
            reader.connect()
            alice.send(f"@{reader.user}", f"message {number}")
            reader.read_until(number, seconds=10)
            reader.client.socket.close()
        assert [message["seq"] for message in reader.applied] == list(range(1, 11))


def test_metrics_show_the_way_between_nodes(cluster, name):
    urls = cluster.urls()
    with (Client(urls["server1"], name("alice")) as alice,
          Client(urls["server2"], name("bob")) as bob):
        alice.send(f"@{bob.user}", "hi")
        bob.next()
    ops = urllib.parse.urlsplit(cluster.status()["nodes"][1]["ops"]).port
    wait_until(lambda: "publish_to_consume" in get(ops, "/metrics")[1], 5, "the histogram")
