"""Clients over TLS: versions, certificates, resumption, reload, and who misbehaves."""

import contextlib
import os
import signal
import socket
import ssl
import time

import pytest

from certificates import Authority
from chat import Client
from raw import TEXT, TIMEOUT, frame, open_socket, parse_head, request, upgrade_headers
from servers import Node, wait_until

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class TLSNode(Node):
    """An embedded node with a certificate of `authority`."""

    def __init__(self, authority, *options):
        self.authority = authority
        self.certificate, self.key = authority.make("node")
        super().__init__("--tls-cert", self.certificate, "--tls-key", self.key, *options)
        self.url = f"wss://localhost:{self.port}/ws"

    def client(self, user, **context):
        return Client(self.url, user, tls=self.authority.client_context(**context))

    @contextlib.contextmanager
    def connection(self, context=None, **options):
        """A connection whose end without a last word is an error."""
        context = context or self.authority.client_context()
        with context.wrap_socket(open_socket(self.port), server_hostname="localhost",
                                 suppress_ragged_eofs=False, **options) as connection:
            yield connection

    def handshakes(self, **wanted):
        """Waits until the figures are these."""
        names = {"under_way": "chat_tls_handshakes_under_way", "done": "chat_tls_handshakes_total",
                 "failed": "chat_tls_handshake_failures_total"}

        def reached():
            metrics = self.metrics()
            return all(metrics[names[name]] == value for name, value in wanted.items())
        wait_until(reached, 5, f"handshakes {wanted}")


@pytest.fixture(scope="module")
def authority():
    authority = Authority()
    yield authority
    authority.end()


@pytest.fixture(scope="module")
def tls_node(authority):
    with TLSNode(authority, "--event-loops", "1") as node:
        yield node


def get(connection, path="/readyz", close=True):
    headers = ["Host: localhost", *(["Connection: close"] if close else [])]
    connection.sendall(request(path, headers=headers))
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    return parse_head(head.partition(b"\r\n\r\n")[0])[0]


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_users_chat(tls_node, name, version):
    with (tls_node.client(name("alice"), lowest=version, highest=version) as alice,
          tls_node.client(name("bob")) as bob):
        for text in ("hi", "x" * 16_000):
            alice.send(f"@{bob.user}", text)
            assert bob.next()["body"]["text"] == text


@pytest.mark.parametrize("offered, chosen", [
    (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None)])
def test_http_1_1_is_chosen_where_it_is_offered(tls_node, offered, chosen):
    context = tls_node.authority.client_context()
    if offered:
        context.set_alpn_protocols(offered)
    with tls_node.connection(context) as connection:
        assert connection.selected_alpn_protocol() == chosen
        assert get(connection) == 200


def test_a_client_that_offers_other_protocols_only_is_told_so(tls_node):
    context = tls_node.authority.client_context()
    context.set_alpn_protocols(["h2", "http/1.0"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        with tls_node.connection(context):
            pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1],
                         ids=["1.0", "1.1"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_are_refused(tls_node, version):
    context = tls_node.authority.client_context(version, version)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL"):
        with tls_node.connection(context):
            pass


def test_the_end_is_said(tls_node):
    with tls_node.connection() as connection:
        assert get(connection) == 200
        while connection.recv(4096):
            pass


@pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])
def test_sessions_are_resumed_also_after_a_reload(authority, version):
    with TLSNode(authority) as node:
        context = authority.client_context(version, version)
        with node.connection(context) as connection:
            assert get(connection) == 200
            assert not connection.session_reused
            session = connection.session
        for reload in (False, True):
            if reload:
                authority.make("node")
                node.signal(signal.SIGHUP)
                wait_until(lambda: "read again" in node.log.read_text(), 5, "reload")
            with node.connection(context, session=session) as connection:
                assert get(connection) == 200
                assert connection.session_reused


def test_a_reload_changes_new_connections_and_leaves_the_others(authority, name):
    with (TLSNode(authority) as node, node.client(name("alice")) as alice,
          node.client(name("bob")) as bob):
        def certificate():
            with node.connection() as connection:
                return connection.getpeercert(binary_form=True)

        before = certificate()
        authority.make("node")
        assert certificate() == before
        node.signal(signal.SIGHUP)
        wait_until(lambda: certificate() != before, 5, "the new certificate")

        reloaded = certificate()
        good = node.certificate.read_bytes()
        node.certificate.write_text("no certificate")
        node.signal(signal.SIGHUP)
        def errors():
            return [line for line in node.log_lines() if " error " in line]
        wait_until(errors, 5, "an error")
        assert len(errors()) == 1 and str(node.certificate) in errors()[0], errors()
        assert certificate() == reloaded
        node.certificate.write_bytes(good)

        assert node.is_alive()
        alice.send(f"@{bob.user}", "still here")
        assert bob.next()["body"]["text"] == "still here"


def test_sighup_without_tls_changes_nothing(name):
    with Node() as node, Client(node.url, name("alice")) as alice:
        node.signal(signal.SIGHUP)
        wait_until(lambda: any("SIGHUP" in line for line in node.log_lines()), 5, "a log line")
        assert alice.request("conversations")["type"] == "conversations"


def test_every_byte_may_come_alone(tls_node):
    """A handshake, an upgrade and a message, each byte in its own segment."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = tls_node.authority.client_context().wrap_bio(
        incoming, outgoing, server_hostname="localhost")
    with open_socket(tls_node.port) as connection:
        def until_done(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        connection.sendall(bytes([byte]))
                    incoming.write(connection.recv(65536))
        until_done(session.do_handshake)
        session.write(request("/ws?user=dora", headers=upgrade_headers()))
        answer = until_done(lambda: session.read(65536))
        assert answer.startswith(b"HTTP/1.1 101")
        session.write(frame(TEXT, b'{"type":"ping","id":1}'))
        while b"pong" not in answer:
            answer += until_done(lambda: session.read(65536))


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", os.urandom(4096),
                                  b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", b"\x80" * 64],
                         ids=["http", "random", "short hello", "ssl2"])
def test_what_is_no_tls_is_closed_and_counted(tls_node, data):
    failed = tls_node.metrics()["chat_tls_handshake_failures_total"]
    lines = len(tls_node.log_lines())
    with open_socket(tls_node.port) as connection:
        connection.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(4096):
                answer += chunk
        assert len(answer) <= 7, "an alert at most"
    tls_node.handshakes(failed=failed + 1)
    assert len(tls_node.log_lines()) == lines


def test_why_a_handshake_failed_is_told(authority):
    with TLSNode(authority, "--log-level", "debug") as node:
        before = node.metrics()["chat_tls_handshake_failures_total"]
        with open_socket(node.port) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.recv(4096)
        with open_socket(node.port) as connection:
            connection.sendall(b"\x16\x03\x01\x00\x04\x01\x00\x80\x00")
            assert connection.recv(4096) == b""
        node.handshakes(failed=before + 2)
        errors = {series: value for series, value in node.metrics().items()
                  if series.startswith("chat_tls_handshake_errors_total") and value}
        assert errors == {'chat_tls_handshake_errors_total{reason="not_tls"}': 1,
                          'chat_tls_handshake_errors_total{reason="long_hello"}': 1}
        told = [line for line in node.log_lines() if "tls handshake failed" in line][int(before):]
        assert len(told) == 2
        assert "does not speak TLS" in told[0] and "127.0.0.1" in told[0]
        assert "hello is too long" in told[1]


def test_slow_handshakes_end_in_time_and_harm_nobody(authority, name):
    with (TLSNode(authority, "--event-loops", "1") as node, node.client(name("alice")) as alice,
          node.client(name("bob")) as bob, contextlib.ExitStack() as stack):
        before = node.metrics()["chat_tls_handshake_failures_total"]
        started = time.monotonic()
        slow = [stack.enter_context(open_socket(node.port)) for _ in range(500)]
        for connection in slow[::2]:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")
        node.handshakes(under_way=500)
        for _ in range(50):
            alice.send(f"@{bob.user}", "hi")
            bob.next()
        assert time.monotonic() - started < 8, "the pair waited for others"
        for connection in slow:
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(4096) == b""
        assert 8 < time.monotonic() - started < 15
        node.handshakes(under_way=0, failed=before + 500, done=2)


def test_only_pages_of_its_own_address_may_connect(tls_node):
    def status(origin):
        with tls_node.connection() as connection:
            connection.sendall(request("/ws", headers=upgrade_headers(Origin=origin)))
            return int(connection.recv(4096).split()[1])
    assert status(f"https://localhost:{tls_node.port}") == 101
    assert status(f"http://localhost:{tls_node.port}") == 403


def test_a_peer_that_does_not_read_is_not_buffered_without_end(tls_node, name):
    """The node's answers wait sealed, within the same bound as in the clear."""
    context = tls_node.authority.client_context()
    with tls_node.connection(context) as connection:
        connection.settimeout(2)
        data, sent = request("/nothing", headers=["Host: localhost"]) * 1000, 0
        with pytest.raises((TimeoutError, ssl.SSLError, ConnectionError)):
            while sent < 100 * 1024 * 1024:
                sent += connection.send(data)


def test_a_certificate_for_clients_has_an_end_in_the_metrics(tls_node):
    end = tls_node.metrics()["chat_tls_certificate_end_seconds"]
    assert 89 < (end - time.time()) / 86_400 < 91


def test_the_operations_port_stays_plain(tls_node):
    with socket.create_connection(("127.0.0.1", tls_node.ops_port), timeout=TIMEOUT) as plain:
        assert get(plain) == 200
