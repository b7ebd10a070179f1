"""A page as they are written for Spring's convention, in Chromium, with the STOMP client that most
of them load, chatting with a chat.v1 client on another node."""

import os
import pathlib

import pytest

from browser import SOCKJS_CLIENT, chromium
from chat import Client
from servers import Cluster, own_origins

HERE = pathlib.Path(__file__).parent
# stomp.js 2.3 as RabbitMQ's examples have it.
STOMP_JS, = pathlib.Path("/usr/lib/rabbitmq/lib").glob(
    "rabbitmq_server-*/plugins/rabbitmq_web_stomp_examples-*/priv/stomp.js")
# The bundle of another client, such as @stomp/stompjs.
OTHER_CLIENT = os.environ.get("CHAT_STOMP_CLIENT")
CLIENTS = [STOMP_JS, *([pathlib.Path(OTHER_CLIENT)] if OTHER_CLIENT else [])]
# None: a WebSocket without SockJS.
TRANSPORTS = [None, "websocket", "xhr-streaming", "xhr-polling"]
# The last is so long that stomp.js sends its frame in two messages.
TEXTS = ["plain", "é 漢 😀", "</script>", '"quotes" \\ back', "line\r\nbreak\u0000", "\u2028",
         "x" * 16_370]


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(options=own_origins)
    yield cluster
    cluster.end()


@pytest.fixture(scope="module")
def browser():
    # What the test serves in a node's stead is from no address, and so not from this machine.
    with chromium("--disable-features=LocalNetworkAccessChecks,"
                  "LocalNetworkAccessChecksWebSockets") as browser:
        yield browser


@pytest.fixture(params=CLIENTS, ids=lambda path: path.name)
def page(browser, request):
    """Makes a page that a node seems to have served itself, so that its addresses are relative."""
    pages = []

    def load(websocket_url):
        origin = websocket_url.replace("ws://", "http://").removesuffix("/ws")
        page = browser.new_page()
        pages.append(page)
        for path, file in [("/page.html", HERE / "stomp_page.html"),
                           ("/sockjs.js", SOCKJS_CLIENT), ("/stomp.js", request.param)]:
            page.route(origin + path, serving(file))
        page.goto(f"{origin}/page.html")
        return page

    yield load
    for page in pages:
        page.close()


def serving(file):
    return lambda route: route.fulfill(path=file)


def connect(page, token, transport, **options):
    return page.evaluate("options => chat.connect(...options)", [token, transport, options])


def send(page, receipt=None, **message):
    page.evaluate("options => chat.send(...options)",
                  [message, {"receipt": receipt} if receipt else {}])


def received(page, kind, count):
    """All `messages`, `errors` or `receipts`, once there are `count`."""
    page.wait_for_function(
        "([kind, count]) => chat.closed || chat[kind].length >= count", arg=[kind, count])
    assert page.evaluate("chat.closed") is None
    return page.evaluate("kind => chat[kind]", kind)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_chatting_with_chat_v1_on_another_node(cluster, page, name, transport):
    urls, alice_name = cluster.urls(), name("alice")
    alice = page(urls["server1"])
    with Client(urls["server2"], name("bob")) as bob:
        assert connect(alice, alice_name, transport)["user"] == alice_name
        for text in TEXTS:
            send(alice, receiver=bob.user, content=text)
            assert bob.next()["body"] == {"text": text}
            bob.send(f"@{alice_name}", text)
        messages = received(alice, "messages", 2 * len(TEXTS))
        assert [message["content"] for message in messages[::2]] == TEXTS
        assert [message["content"] for message in messages[1::2]] == TEXTS
        assert [message["sender"] for message in messages] == [alice_name, bob.user] * len(TEXTS)
        assert [message["seq"] for message in messages] == list(range(1, 2 * len(TEXTS) + 1))
        bob.expect_quiet()
        alice.evaluate("chat.leave()")


def test_two_pages_and_an_error(node, page, name):
    alice_name, bob_name = name("alice"), name("bob")
    alice, bob = page(node.url), page(node.url)
    connect(alice, alice_name, "websocket")
    connect(bob, bob_name, "websocket")
    send(alice, receiver=bob_name, content="hi", id="first")
    send(alice, receiver=bob_name, content="hi", id="first")
    send(alice, roomId="nowhere", content="hi")
    message, = received(bob, "messages", 1)
    assert message["receiver"] == bob_name
    assert message["status"] == "SENT"
    error, = received(alice, "errors", 1)
    assert error["errorCode"] == error["code"] == "not_found"
    send(bob, receiver=alice_name, content="ho")
    # Her own comes back once, however often she sent it with the same id.
    assert [each["seq"] for each in received(alice, "messages", 2)] == [1, 2]
    assert len(received(bob, "messages", 2)) == 2


@pytest.mark.parametrize("transport", [None, "xhr-polling"])
def test_a_page_that_comes_back_gets_what_it_missed(node, page, name, transport):
    alice_name = name("alice")
    with Client(node.url, name("bob")) as bob:
        alice = page(node.url)
        connect(alice, alice_name, transport, inHeader=True)
        bob.send(f"@{alice_name}", "1")
        assert [each["seq"] for each in received(alice, "messages", 1)] == [1]
        alice.evaluate("chat.leave()")
        for number in range(2, 301):
            bob.send(f"@{alice_name}", str(number))
        assert connect(alice, alice_name, transport, inHeader=True,
                       resume={bob.user: 1})["user"] == alice_name
        bob.send(f"@{alice_name}", "live")
        messages = received(alice, "messages", 301)
        assert [each["seq"] for each in messages] == list(range(1, 302))


def test_a_receipt_says_that_a_message_is_stored(node, page, name):
    alice_name = name("alice")
    with Client(node.url, name("bob")) as bob:
        alice = page(node.url)
        connect(alice, alice_name, "websocket")
        send(alice, receipt="stored", receiver=bob.user, content="hi")
        assert received(alice, "receipts", 1) == ["stored"]
        assert bob.next()["body"] == {"text": "hi"}


def test_a_page_that_nobody_is_gets_the_error(node, page):
    alice = page(node.url)
    with pytest.raises(Exception, match="who you are"):
        connect(alice, "Not A Name", "websocket", inHeader=True)
