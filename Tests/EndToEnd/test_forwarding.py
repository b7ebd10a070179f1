"""Whom a connection is from, directly and through proxies of others.

127.0.0.1 is the proxy, which is trusted. Clients come from other loopback addresses.
"""

import contextlib
import http.client
import socket
import struct

import pytest

from certificates import Authority
from chat import Client
from proxies import HAProxy, Nginx
from raw import request, read_answer, upgrade_headers
from servers import Node, wait_until

TRUSTING = ("--trusted-proxy", "127.0.0.1", "--log-level", "debug")
# Each event loop counts for itself.
LIMIT = ("--connections-per-address", "2", "--event-loops", "1")
HEADERS_REFUSED = "chat_proxy_headers_refused_total"
ADDRESS_LIMIT = "chat_address_limit_total"
# At once; then 100 and 50 a second.
CONNECTION_BURST, SESSION_BURST = 5_000, 2_500
ALICE, BOB = "127.0.0.2", "127.0.0.3"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def connect(port, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", port), timeout=15, source_address=(source, 0))


def handshake(connection, **headers):
    """Asks for an upgrade; the status, with the connection still open."""
    connection.sendall(request("/ws", headers=upgrade_headers(**headers)))
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status


@contextlib.contextmanager
def node_behind(proxy, *node_options, proxy_options=()):
    with Node(*TRUSTING, *node_options) as node, proxy(node.port, *proxy_options) as front:
        yield node, front


def logged(node, message, address):
    return [line for line in node.log_lines()
            if message in line and f"client.address={address}" in line]


def expect_a_limit_for_each_client(node, port):
    """Two connections of one client are served and a third is not; another client's is."""
    with contextlib.ExitStack() as stack:
        def open_one(source):
            connection = stack.enter_context(connect(port, source))
            return connection, status_or_end(connection)
        first, status = open_one(ALICE)
        assert status == 101
        assert open_one(ALICE)[1] == 101
        assert open_one(ALICE)[1] in (429, None)
        assert open_one(BOB)[1] == 101
        first.close()

        def may_open_again():
            connection, status = open_one(ALICE)
            if status != 101:
                connection.close()
            return status == 101
        wait_until(may_open_again, 10, "the first connection's place")
    assert logged(node, "websocket opened", ALICE)
    assert logged(node, "websocket opened", BOB)
    assert node.metrics()["chat_address_limit_total"] >= 1


def status_or_end(connection):
    """The status of a handshake; None when the connection ends without one."""
    try:
        return handshake(connection)
    except (http.client.HTTPException, ConnectionError):
        return None


def test_nginx_tells_who_its_clients_are():
    with node_behind(Nginx, *LIMIT) as (node, nginx):
        expect_a_limit_for_each_client(node, nginx.port)


def test_a_client_of_nginx_cannot_be_somebody_else():
    with node_behind(Nginx) as (node, nginx), connect(nginx.port, ALICE) as connection:
        assert handshake(connection, X_Forwarded_For="203.0.113.7") == 101
        assert logged(node, "websocket opened", ALICE)
        assert not any("203.0.113.7" in line for line in node.log_lines())


@pytest.mark.parametrize("options", [
    ("send-proxy",), ("send-proxy-v2",),
    ("send-proxy-v2", "proxy-v2-options", "crc32c,unique-id,authority"),
], ids=["v1", "v2", "v2 with more in it"])
def test_haproxy_tells_who_its_clients_are(options):
    with node_behind(HAProxy, "--proxy-protocol", *LIMIT, proxy_options=options) as (node, proxy):
        expect_a_limit_for_each_client(node, proxy.port)
        with Client(proxy.url, "alice") as alice, Client(proxy.url, "bob") as bob:
            alice.send("@bob", "through the proxy")
            assert bob.next()["body"]["text"] == "through the proxy"


def test_a_proxy_header_stands_before_tls():
    with contextlib.ExitStack() as stack:
        authority = Authority()
        stack.callback(authority.end)
        certificate, key = authority.make("node")
        node, proxy = stack.enter_context(node_behind(
            HAProxy, "--proxy-protocol", "--tls-cert", certificate, "--tls-key", key,
            proxy_options=("send-proxy-v2",)))
        connection = stack.enter_context(authority.client_context().wrap_socket(
            connect(proxy.port, ALICE), server_hostname="localhost"))
        # The node's own pages are also those of the host that its certificate has shown it to be.
        assert handshake(connection, Origin="https://localhost") == 101
        assert logged(node, "websocket opened", ALICE)


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_haproxys_own_connections_are_healthy(version):
    checked = (version, "check", "inter", "50ms", "fall", "1")
    with node_behind(HAProxy, "--proxy-protocol", proxy_options=checked) as (node, proxy):
        refused = node.metrics()[HEADERS_REFUSED]
        wait_until(lambda: len(logged(node, "connection accepted", "127.0.0.1")) > 3, 10, "checks")
        with connect(proxy.port, ALICE) as connection:
            assert handshake(connection) == 101
        assert node.metrics()[HEADERS_REFUSED] == refused


def test_with_the_proxy_protocol_nobody_comes_without_it():
    with Node(*TRUSTING, "--proxy-protocol") as node:
        refused = node.metrics()[HEADERS_REFUSED]
        with connect(node.port, ALICE) as stranger:
            assert ended(stranger)
        with connect(node.port) as silent_about_it:
            silent_about_it.sendall(request("/healthz"))
            assert ended(silent_about_it)
        with connect(node.port) as connection:
            source = socket.inet_aton("203.0.113.7")
            connection.sendall(SIGNATURE + struct.pack("!BBH4s4sHH", 0x21, 0x11, 12, source,
                                                       bytes(4), 1, 2))
            assert handshake(connection) == 101
        assert logged(node, "websocket opened", "203.0.113.7")
        assert node.metrics()[HEADERS_REFUSED] == refused + 1


def ended(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_page_served_over_tls_by_a_proxy_is_the_nodes_own():
    with Node(*TRUSTING) as node:
        for source, status in (("127.0.0.1", 101), (ALICE, 403)):
            with connect(node.port, source) as connection:
                assert handshake(connection, Host="chat.example", Origin="https://chat.example",
                                 X_Forwarded_Proto="https") == status


def test_a_stranger_is_who_it_comes_as_whatever_it_says():
    with Node(*TRUSTING, *LIMIT) as node, contextlib.ExitStack() as stack:
        for number in range(4):
            connection = stack.enter_context(connect(node.port, ALICE))
            # This machine's own addresses are not limited where they come directly.
            assert handshake(connection, X_Forwarded_For=f"203.0.113.{number}") == 101
        assert len(logged(node, "websocket opened", ALICE)) == 4


def test_a_proxy_is_told_of_a_client_with_too_many_connections():
    with Node(*TRUSTING, *LIMIT) as node, contextlib.ExitStack() as stack:
        for _ in range(2):
            connection = stack.enter_context(connect(node.port))
            assert handshake(connection, X_Forwarded_For="203.0.113.7") == 101
        connection = stack.enter_context(connect(node.port))
        connection.sendall(request("/ws", headers=upgrade_headers(
            Connection="Upgrade, close", X_Forwarded_For="203.0.113.7")))
        answer = read_answer(connection)
        assert answer.status == 429
        assert answer.headers["retry-after"] == "30"
        assert len([line for line in node.log_lines() if "too many connections of one" in line]) == 1


def test_an_address_that_connects_too_often_is_refused_and_nobody_else():
    def from_address(last):
        connection = connect(node.port)
        connection.sendall(f"PROXY TCP4 203.0.113.{last} 127.0.0.1 1 2\r\n".encode())
        return connection

    with Node(*TRUSTING, "--proxy-protocol", "--event-loops", "1") as node:
        begun = 0
        # More than come back meanwhile, however slowly this goes.
        while node.metrics()[ADDRESS_LIMIT] == 0 and begun < 20 * CONNECTION_BURST:
            for _ in range(100):
                from_address(7).close()
            begun += 100
        assert begun > CONNECTION_BURST
        for _ in range(100):
            from_address(7).close()
        with from_address(7) as one, from_address(8) as another:
            assert status_or_end(one) is None
            assert handshake(another) == 101
        wait_until(lambda: is_served(from_address(7)), 10, "connections after a while")


def is_served(connection):
    with connection:
        return status_or_end(connection) == 101


def test_a_client_that_begins_sessions_too_often_is_told_so_and_nobody_else():
    def begin(client):
        with connect(node.port) as connection:
            return handshake(connection, X_Forwarded_For=f"203.0.113.{client}")

    with Node(*TRUSTING, "--event-loops", "1") as node:
        begun = 0
        while begin(7) == 101 and begun < 20 * SESSION_BURST:
            begun += 1
        assert begun >= SESSION_BURST
        assert begin(8) == 101
        assert node.metrics()[ADDRESS_LIMIT] >= 1
        wait_until(lambda: begin(7) == 101, 10, "sessions after a while")
