"""sockjs-client in a browser, over each of its transports, chatting with a chat.v1 client."""

import concurrent.futures
import urllib.parse

import pytest

from browser import Page, chromium, page_server
from chat import Client
from servers import Cluster, get

# Those of sockjs-client that Chromium has; xdr-* are for Internet Explorer. Only htmlfile asks for
# a page of the node's own Origin.
TRANSPORTS = ["websocket", "xhr-streaming", "xhr-polling", "eventsource", "iframe-eventsource",
              "iframe-htmlfile", "iframe-xhr-polling", "jsonp-polling", "htmlfile"]
TEXTS = ["plain", "é 漢 😀", "100% %41", "</script><script>alert(1)</script><!--", "\u2028\u2029",
         '"quotes" \\ back', "line\r\nbreak\u0000", "\ufeff\ufff0\uffff", "x" * 10_000]


@pytest.fixture(scope="module")
def pages():
    with page_server() as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def cluster(pages):
    """Nodes that serve the pages' Origin and their own, behind nginx without stickiness."""
    cluster = Cluster(balance="round-robin", options=lambda ports: [
        "--sockjs-url", f"{pages}/sockjs.js", "--sockjs-scripts",
        *(part for origin in [pages, *(f"http://127.0.0.1:{port}" for port in ports)]
          for part in ("--allowed-origin", origin))])
    yield cluster
    cluster.end()


def sockjs_url(websocket_url):
    """http://host:port/sockjs for ws://host:port/ws."""
    return websocket_url.replace("ws://", "http://").removesuffix("/ws") + "/sockjs"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_chatting_with_another_node(cluster, browser, pages, name, transport):
    urls = cluster.urls()
    url = sockjs_url(urls["server1"])
    origin = url.removesuffix("/sockjs") if transport == "htmlfile" else None
    with (Page(browser, pages, origin=origin) as alice,
          Client(urls["server2"], name("bob")) as bob):
        opened = alice.open(url, transport, name("alice"))
        assert opened["transport"] == transport
        assert opened["answer"]["type"] == "ready"
        assert opened["answer"]["node"] == "server1"
        for number, text in enumerate(TEXTS, 1):
            alice.send(f"@{bob.user}", text)
            assert bob.next()["body"]["text"] == text
            bob.send(f"@{alice.user}", text)
            assert alice.texts(number) == TEXTS[:number]
        bob.expect_quiet()


@pytest.mark.parametrize("transport", ["xhr-polling", "xhr-streaming"])
def test_a_thousand_messages_each_way_without_stickiness(cluster, browser, pages, name, transport):
    """Each request goes to another node than the last, and nothing is lost or out of order."""
    status, count, before = cluster.status(), 1000, requests_by_node(cluster)
    from_alice = [f"alice {number}" for number in range(count)]
    from_bob = [f"bob {number}" for number in range(count)]
    with Page(browser, pages, 120) as alice, Client(cluster.urls()["server2"], name("bob")) as bob:
        opened = alice.open(sockjs_url(status["nginx"]), transport, name("alice"))
        assert opened["transport"] == transport
        alice.send_all(f"@{bob.user}", from_alice, window=8)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            chatting = pool.submit(chat, bob, alice.user, from_bob)
            assert alice.acks(count) == list(range(count))
            assert alice.texts(count) == from_bob
            assert chatting.result() == from_alice
        bob.expect_quiet()
        assert alice.texts(count) == from_bob
    after = requests_by_node(cluster)
    # A send brings 8 messages at most, so 125 of them is the least there were.
    assert all(after[node] - before[node] > 40 for node in after), (before, after)


def chat(client, to, texts):
    """Sends the texts, each when the one before is stored, and reads as many; the texts read."""
    for text in texts:
        client.send(f"@{to}", text)
    return [client.next(timeout=120)["body"]["text"] for _ in texts]


def requests_by_node(cluster):
    """HTTP requests so far, by the name of the node."""
    counts = {}
    for node in cluster.status()["nodes"]:
        status, text = get(urllib.parse.urlsplit(node["ops"]).port, "/metrics")
        assert status == 200
        counts[node["id"]], = (int(float(line.split()[1])) for line in text.splitlines()
                               if line.startswith("chat_http_requests_total "))
    return counts
