"""STOMP at /ws-chat, with stomp.py and by hand."""

import json
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from chat import Client
from raw import CLOSE, TEXT, WebSocket, frame
from servers import Cluster, Node, own_origins
from stomp_client import StompClient


@pytest.fixture(scope="module")
def cluster():
    """Nodes for a client that names its server's address as its Origin."""
    cluster = Cluster(options=own_origins)
    yield cluster
    cluster.end()


@pytest.fixture
def stomp_pair(node, name):
    with StompClient(node.url, name("alice")) as alice, StompClient(node.url, name("bob")) as bob:
        yield alice, bob


def test_chatting_with_chat_v1_on_another_node(cluster, name):
    urls = cluster.urls()
    with (StompClient(urls["server1"], name("alice")) as alice,
          Client(urls["server2"], name("bob")) as bob):
        for number in range(1, 101):
            alice.send(bob.user, f"to bob {number}", receipt=str(number))
            message = bob.next()
            assert (message["from"], message["body"]) == (
                f"@{alice.user}", {"text": f"to bob {number}"})
            assert alice.next()[0]["content"] == f"to bob {number}"
            ack = bob.send(f"@{alice.user}", f"to alice {number}")
            message, _ = alice.next()
            assert (message["sender"], message["receiver"]) == (bob.user, alice.user)
            assert (message["content"], message["seq"]) == (f"to alice {number}", ack["seq"])
        bob.expect_quiet()
        assert alice.messages.empty() and alice.errors.empty()


def test_a_message_has_the_fields_of_the_convention(stomp_pair):
    alice, bob = stomp_pair
    alice.send(bob.user, "hi", messageId="mine")
    message, headers = bob.next()
    assert headers["subscription"] == "messages"
    assert headers["content-type"] == "application/json"
    assert message.pop("timestamp").endswith("Z")
    assert message == {
        "id": f"{alice.user}:{bob.user}:1", "sender": alice.user, "senderId": alice.user,
        "receiver": bob.user, "receiverId": bob.user, "content": "hi", "type": "CHAT",
        "roomId": None, "status": "SENT", "attachmentUrl": None, "messageId": "mine", "seq": 1}


def test_who_comes_back_resumes(node, name):
    alice_name = name("alice")
    with Client(node.url, name("bob")) as bob:
        with StompClient(node.url, alice_name) as alice:
            for number in range(1, 4):
                bob.send(f"@{alice_name}", str(number))
            held = [alice.next()[0]["seq"] for _ in range(3)][-1]
        for number in range(4, 301):
            bob.send(f"@{alice_name}", str(number))
        with StompClient(node.url, alice_name, resume={bob.user: held}) as alice:
            bob.send(f"@{alice_name}", "live")
            assert [alice.next()[0]["seq"] for _ in range(298)] == list(range(4, 302))
        with StompClient(node.url, alice_name) as alice:
            bob.send(f"@{alice_name}", "only this")
            assert alice.next()[0]["content"] == "only this"


def test_two_subscriptions_that_resume_at_once_miss_nothing(node, name):
    with Client(node.url, name("bob")) as bob, opened(node, alice := name("alice")) as socket:
        for number in range(1, 501):
            bob.send(f"@{alice}", str(number))
        for held in (100, 300):
            socket.send(f"SUBSCRIBE\nid:{held}\ndestination:/user/queue/messages\n"
                        f'resume:{{"{bob.user}":{held}}}\n\n\0')
        seqs = {"100": [], "300": []}
        while not seqs["300"] or seqs["300"][-1] < 500:
            head, _, body = socket.recv(timeout=15).partition("\n\n")
            headers = dict(line.split(":", 1) for line in head.splitlines()[1:])
            seqs[headers["subscription"]].append(json.loads(body[:-1])["seq"])
    assert seqs["300"] == list(range(301, 501))
    assert seqs["100"] == list(range(101, 501)) + seqs["300"]


@pytest.mark.parametrize("ack", ["client", "client-individual"])
def test_acknowledged_and_refused_messages_go_on(node, name, ack):
    with (StompClient(node.url, name("alice"), ack=ack) as alice,
          Client(node.url, name("bob")) as bob):
        for number in range(1500):
            bob.send(f"@{alice.user}", str(number))
            message, headers = alice.next()
            assert message["content"] == str(number)
            if number % 2:
                alice.connection.ack(headers["ack"])
            else:
                alice.connection.nack(headers["ack"])


def test_a_transaction_takes_effect_at_its_commit(node, name):
    with (StompClient(node.url, name("alice")) as alice,
          Client(node.url, name("bob")) as bob):
        kept = alice.connection.begin()
        dropped = alice.connection.begin()
        alice.send(bob.user, "kept", transaction=kept)
        alice.send(bob.user, "dropped", transaction=dropped)
        alice.send(bob.user, "at once", receipt="sent")
        alice.connection.abort(dropped)
        alice.connection.commit(kept)
        assert [bob.next()["body"]["text"] for _ in range(2)] == ["at once", "kept"]
        bob.expect_quiet()


def test_errors_are_told_where_they_are_listened_for(stomp_pair):
    alice, bob = stomp_pair
    alice.send(bob.user, "one", messageId="same")
    alice.send(bob.user, "two", messageId="same")
    error, _ = alice.error()
    assert error["code"] == error["errorCode"] == "conflict"
    alice.connection.send("/app/chat.sendMessage", "{", receipt="r")
    error, headers = alice.error()
    assert (error["code"], headers["receipt-id"]) == ("bad_request", "r")
    alice.connection.subscribe("/topic/no-room", "room")
    assert alice.error()[0]["code"] == "not_found"
    assert bob.next()[0]["content"] == "one"
    assert alice.failures.empty() and bob.messages.empty()


def test_a_client_that_only_beats_stays(node, name):
    with StompClient(node.url, name("alice"), heartbeats=(1000, 1000)) as alice:
        time.sleep(1)
        assert alice.connection.is_connected()
        assert alice.failures.empty()


def test_no_token_is_in_the_log(node, name):
    token = name("secret")
    with connect(f"{stomp_url(node)}?token={token}", proxy=None, legacy=True) as socket:
        socket.send(f"CONNECT\naccept-version:1.2\nAuthorization:Bearer {token}\n\n\0")
        assert socket.recv(timeout=5).startswith("CONNECTED")
        socket.send("nonsense\n\n\0")
        assert socket.recv(timeout=5).startswith("ERROR")
    assert not any(token in line for line in node.log_lines())


def stomp_url(node):
    return node.url.removesuffix("/ws") + "/ws-chat"


def opened(node, user=None):
    """A WebSocket; connected as `user` if there is one."""
    socket = connect(stomp_url(node), subprotocols=["v10.stomp", "v11.stomp", "v12.stomp"],
                     proxy=None, ping_interval=None, max_size=None, legacy=True)
    assert socket.subprotocol == "v12.stomp"
    if user:
        socket.send(f"CONNECT\naccept-version:1.2\nlogin:{user}\n\n\0")
        assert socket.recv(timeout=5).startswith("CONNECTED")
    return socket


def last_words(socket):
    """What came before the end, and the close code."""
    frames = []
    try:
        while True:
            frames.append(socket.recv(timeout=15))
    except ConnectionClosed:
        return frames, socket.close_code


def test_who_comes_back_to_a_room_is_not_sent_away_for_what_it_may_not_see(node, name):
    room, bob = name("room"), name("bob")
    with Client(node.url, name("alice")) as alice, opened(node, bob) as socket:
        def change(kind, **fields):
            assert alice.request(f"room.{kind}", room=f"#{room}", **fields)["type"] == "ok"

        def contents_until(text):
            contents = []
            while text not in contents:
                answer = socket.recv(timeout=5)
                assert answer.startswith("MESSAGE"), answer
                contents.append(json.loads(answer.partition("\n\n")[2].rstrip("\0"))["content"])
            return contents

        change("create", public=False, members=[f"@{bob}"])
        for source in (f"/topic/room.{room}", "/user/queue/messages"):
            socket.send(f"SUBSCRIBE\nid:{source}\nreceipt:r\ndestination:{source}\n\n\0")
            assert socket.recv(timeout=5).startswith("RECEIPT")
        alice.send(f"#{room}", "before")
        contents_until("before")
        change("kick", user=f"@{bob}")
        alice.send(f"#{room}", "secret")
        change("invite", users=[f"@{bob}"])
        alice.send(f"#{room}", "welcome")
        assert contents_until("welcome") == ["", "", "welcome"]


HOSTILE = [
    "nonsense\n\n\0", "no line at all", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "SEND\n\n\0", "\0",
    "SEND\nno colon\n\n\0", "SEND\nh:\\x\n\n\0", "SEND\ncontent-length:-1\n\n\0",
    "SEND\ncontent-length:99999999999\n\n\0", "SEND\n" + "h:v\n" * 10_000,
    "SEND\nh:" + "v" * 60_000, "CONNECT\n\n\0", "SUBSCRIBE\ndestination:/user/queue/messages\n\n\0",
    "ACK\n\n\0", "COMMIT\ntransaction:t\n\n\0", "BEGIN\ntransaction:t\n\nbody\0",
    "".join(f"BEGIN\ntransaction:{n}\n\n\0" for n in range(17)),
    "".join(f"SUBSCRIBE\nid:{n}\ndestination:/user/queue/errors\n\n\0" for n in range(257)),
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_frame_is_answered_with_error_and_the_end(node, name, unharmed, text):
    for user in (None, name("mallory")):
        with opened(node, user) as socket:
            socket.send(text)
            frames, code = last_words(socket)
            # Without a user the server waits for who it is first.
            assert frames and frames[-1].startswith("ERROR\n"), (frames, code)
            assert code == (4001 if not user and text == "CONNECT\n\n\0" else 1002)


def test_frames_cut_anywhere_and_many_at_once(node, name, unharmed):
    user = name("alice")
    send = ("SEND\ndestination:/app/chat.send\nreceipt:%d\n\n"
            '{"receiver":"bob","content":"hi"}\0\n')
    with opened(node, user) as socket:
        for byte in send % 0:
            socket.send(byte)
        socket.send("".join(send % number for number in range(1, 200)))
        receipts = [socket.recv(timeout=15) for _ in range(200)]
        assert receipts == [f"RECEIPT\nreceipt-id:{number}\n\n\0" for number in range(200)]


def test_a_client_that_never_reads_is_told_of_the_gap_and_closed(name):
    bob = name("bob")
    with Node() as node, Client(node.url, name("alice")) as alice:
        cost_of_storing = growth_while_sending(node, alice, name("nobody"))
        with WebSocket(node.port, f"/ws-chat?user={bob}", receive_buffer=4096) as stuck:
            stuck.send(frame(TEXT, b"CONNECT\naccept-version:1.2\n\n\0"))
            for source in ("messages", "errors"):
                stuck.send(frame(TEXT, f"SUBSCRIBE\nid:{source}\nreceipt:{source}\n"
                                       f"destination:/user/queue/{source}\n\n\0".encode()))
            while b"receipt-id:errors" not in stuck.receive()[1]:
                pass
            assert growth_while_sending(node, alice, bob) - cost_of_storing < 5 * 1024 * 1024
            time.sleep(11)
            frames = []
            while received := stuck.receive():
                frames.append(received)
    assert any(b'"code":"gap"' in payload for opcode, payload in frames if opcode == TEXT)
    assert [payload for opcode, payload in frames if opcode == TEXT][-1].startswith(b"ERROR\n")
    assert [int.from_bytes(payload[:2]) for opcode, payload in frames if opcode == CLOSE] == [4102]


def test_missed_messages_for_a_client_that_never_reads_are_bounded(name):
    alice, senders, text = name("alice"), [name("bob") for _ in range(4)], "x" * 16_000
    with Node() as node:
        for sender in senders:
            with Client(node.url, sender) as bob:
                for number in [bob.post_text(f"@{alice}", text) for _ in range(200)]:
                    bob.answer(number)
        with WebSocket(node.port, f"/ws-chat?user={alice}", receive_buffer=4096) as stuck:
            stuck.send(frame(TEXT, b"CONNECT\naccept-version:1.2\n\n\0"))
            for number in range(6):
                stuck.send(frame(TEXT, f"SUBSCRIBE\nid:{number}\nreceipt:{number}\n"
                                       "destination:/user/queue/messages\n\n\0".encode()))
            while b"receipt-id:5" not in stuck.receive()[1]:
                pass
            before = node.resident_bytes()
            held = json.dumps({sender: 0 for sender in senders})
            stuck.send(frame(TEXT, "SUBSCRIBE\nid:all\ndestination:/user/queue/messages\n"
                                   f"resume:{held}\n\n\0".encode()))
            time.sleep(5)
            # The messages themselves, what a turn may write, and its copy.
            assert node.resident_bytes("VmHWM") - before < 48 * 1024 * 1024


def growth_while_sending(node, alice, to):
    """Memory that 10,000 messages to a user cost."""
    before = node.resident_bytes()
    for _ in range(50):
        for number in [alice.post_text(f"@{to}", "x" * 1000) for _ in range(200)]:
            alice.answer(number)
    return node.resident_bytes() - before
