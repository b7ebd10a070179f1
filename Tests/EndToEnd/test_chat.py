"""Chatting on one node that has nothing but itself."""

from chat import Client, Reader, new_cid
from servers import Node


def test_two_users_chat_both_ways(pair):
    alice, bob = pair
    ack = alice.send(f"@{bob.user}", "hi", cid="first")
    assert (ack["cid"], ack["conv"], ack["seq"], ack["dup"]) == ("first", f"@{bob.user}", 1, False)
    message = bob.next()
    assert message["conv"] == message["from"] == f"@{alice.user}"
    assert (message["seq"], message["cid"], message["body"]) == (1, "first", {"text": "hi"})
    assert message["ts"] == ack["ts"]

    assert bob.send(f"@{alice.user}", "hello back")["seq"] == 2
    reply = alice.next()
    assert (reply["conv"], reply["seq"], reply["body"]["text"]) == (f"@{bob.user}", 2, "hello back")


def test_ready_tells_who_where_and_what(node, name):
    with Client(node.url, name("alice"), device="phone") as alice:
        ready = alice.ready
        assert ready["type"] == "ready"
        assert (ready["user"], ready["device"], ready["node"]) == (f"@{alice.user}", "phone", "server1")
        assert ready["conversations"] == []
        assert ready["ping_ms"] > 0
        assert ready["limits"]["frame"] == 65536
        assert ready["session"]


def test_the_address_may_say_hello_by_itself(node, name):
    user = name("alice")
    with Client(f"{node.url}?user={user}", user, hello=False) as alice:
        assert alice.next("ready")["user"] == f"@{user}"


def test_the_subprotocol_is_negotiated_but_not_required(node, name):
    with Client(node.url, name("alice")) as alice:
        assert alice.socket.subprotocol == "chat.v1"


def test_messages_wait_for_who_is_offline(node, name):
    bob = name("bob")
    with Client(node.url, name("alice")) as alice:
        for number in range(1, 6):
            alice.send(f"@{bob}", f"message {number}")
        with Client(node.url, bob, resume={f"@{alice.user}": 2}) as reader:
            summary, = reader.ready["conversations"]
            assert (summary["conv"], summary["head"]) == (f"@{alice.user}", 5)
            assert [reader.next()["seq"] for _ in range(3)] == [3, 4, 5]
            alice.send(f"@{bob}", "live")
            assert reader.next()["seq"] == 6
            reader.expect_quiet()


def test_a_resume_beyond_its_limit_gets_a_gap_and_history_fills_it(node, name):
    bob = name("bob")
    with Client(node.url, name("alice")) as alice:
        sent = [alice.post_text(f"@{bob}", f"message {number}") for number in range(3000)]
        for number in sent:
            assert alice.answer(number, timeout=60)["type"] == "ack"
        reader = Reader([node.url], bob, f"@{alice.user}")
        reader.connect()
        alice.send(f"@{bob}", "one more")
        reader.read_until(3001, seconds=60)
        assert [message["seq"] for message in reader.applied] == list(range(1, 3002))
        reader.client.socket.close()


def test_history_pages_backwards_and_forwards(pair):
    alice, bob = pair
    for number in range(1, 251):
        alice.post_text(f"@{bob.user}", f"message {number}")
    while bob.next()["seq"] < 250:
        pass

    def page(**span):
        answer = bob.request("history", to=f"@{alice.user}", **span)
        assert answer["type"] == "page", answer
        return [item["seq"] for item in answer["items"]], answer["more"]

    assert page(after=0) == (list(range(1, 101)), True)
    assert page(after=200) == (list(range(201, 251)), False)
    assert page(after=250) == ([], False)
    assert page(before=11, limit=5) == (list(range(6, 11)), True)
    assert page(before=3) == ([1, 2], False)
    assert page() == (list(range(151, 251)), True)


def test_history_shows_what_was_pushed(pair):
    alice, bob = pair
    alice.send(f"@{bob.user}", "ü \U0001f600 \" \\ \n \u2028")
    pushed = bob.next()
    item, = bob.request("history", to=f"@{alice.user}")["items"]
    for field in ("seq", "from", "cid", "ts", "body"):
        assert item[field] == pushed[field]


def test_every_device_of_both_users_sees_a_message_once(node, name):
    with (Client(node.url, name("alice"), device="phone") as phone,
          Client(node.url, phone.user, device="web") as web,
          Client(node.url, name("bob"), device="phone") as bob_phone,
          Client(node.url, bob_phone.user, device="web") as bob_web):
        phone.send(f"@{bob_phone.user}", "to all")
        for device in (web, bob_phone, bob_web):
            assert device.next()["body"]["text"] == "to all"
        for device in (phone, web, bob_phone, bob_web):
            device.expect_quiet()


def test_a_note_to_oneself(node, name):
    with Client(node.url, name("alice")) as alice:
        assert alice.send(f"@{alice.user}", "buy milk")["seq"] == 1
        item, = alice.request("history", to=f"@{alice.user}")["items"]
        assert item["body"]["text"] == "buy milk"


def test_a_cid_takes_effect_once(pair):
    alice, bob = pair
    cid = new_cid()
    first = alice.send(f"@{bob.user}", "once", cid)
    again = alice.send(f"@{bob.user}", "once", cid)
    assert again["dup"] is True
    assert (again["seq"], again["ts"]) == (first["seq"], first["ts"])
    assert bob.next()["cid"] == cid
    bob.expect_quiet()


def test_the_same_cid_of_two_senders_is_two_messages(pair):
    alice, bob = pair
    cid = new_cid()
    assert alice.send(f"@{bob.user}", "mine", cid)["dup"] is False
    assert bob.send(f"@{alice.user}", "mine", cid)["dup"] is False


def test_conversations_are_listed(pair, name):
    alice, bob = pair
    alice.send(f"@{bob.user}", "hi")
    alice.send(f"@{name('carol')}", "hi")
    listed = alice.request("conversations")["items"]
    assert len(listed) == 2
    assert {item["conv"]: item["head"] for item in listed}[f"@{bob.user}"] == 1


def test_messages_survive_a_killed_node(name, tmp_path):
    options = ("--data-dir", str(tmp_path / "data"))
    alice, bob = name("alice"), name("bob")
    with Node(*options) as node:
        with Client(node.url, alice) as client:
            for number in range(20):
                client.send(f"@{bob}", f"message {number}")
            node.process.kill()
            node.wait(10)
    with Node(*options) as node, Client(node.url, bob, resume={f"@{alice}": 0}) as client:
        assert [client.next()["seq"] for _ in range(20)] == list(range(1, 21))


def test_ids_are_echoed_as_they_came(node, name):
    with Client(node.url, name("alice")) as alice:
        for number in ('"a string"', '"\\u0041"', "7", "1.50", "-1e3"):
            alice.socket.send(f'{{"type":"ping","id":{number}}}')
            assert f'"id":{number}' in alice.socket.recv(timeout=5).replace(": ", ":")


def test_unknown_fields_are_ignored(pair):
    alice, bob = pair
    ack = alice.request("send", cid=new_cid(), to=f"@{bob.user}", body={"text": "hi"},
                        later={"deep": [1, {"type": "x"}]})
    assert ack["type"] == "ack"
    assert bob.next()["body"] == {"text": "hi"}
