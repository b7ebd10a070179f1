"""A node whose back ends are not who they should be refuses to start, and tells them nothing."""

import contextlib
import socket
import ssl
import threading

import pytest

from certificates import Authority
from servers import free_port
from test_operations import run_to_end

PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def authorities():
    """The one that the node trusts, and another."""
    both = Authority(), Authority()
    yield both
    for authority in both:
        authority.end()


class Impostor:
    """Accepts connections on loopback and serves each with `serve`, noting what it was told."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.serve, self.heard = serve, b""
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.settimeout(10)
                with connection, contextlib.suppress(OSError):
                    self.serve(self, connection)

    def note(self, connection):
        while data := connection.recv(65536):
            self.heard += data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def secure(context, is_postgres=False):
    """Shakes hands with the context's certificate, and notes what is said after that."""
    def serve(impostor, connection):
        if is_postgres:
            connection.recv(8)
            connection.sendall(b"S")
        with context.wrap_socket(connection, server_side=True) as wrapped:
            impostor.note(wrapped)
    return serve


def plain(impostor, connection):
    """No TLS: PostgreSQL's way to say so is an N, which is nothing to the others."""
    connection.sendall(b"N")
    impostor.note(connection)


def refusal(options, folder):
    ended = run_to_end("--node-id", "server7", "--listen", f"127.0.0.1:{free_port()}",
                       "--ops-listen", f"127.0.0.1:{free_port()}", "--data-dir", str(folder),
                       *options)
    assert ended.returncode == 78, ended
    line, = (ended.stdout + ended.stderr).splitlines()
    assert PASSWORD not in line
    return line


def options_for(kind, port, trusted, cluster):
    """The back end in question at `port`, the others as the cluster has them."""
    status = cluster.status()
    urls = {"--redis": status["redis"], "--amqp": status["amqp"],
            "--database": status["database"]}
    address = f"localhost:{port}"
    urls[kind] = {
        "--redis": f"rediss://:{PASSWORD}@{address}?ssl_ca_certs={trusted}",
        "--amqp": f"amqps://chat:{PASSWORD}@{address}?cacertfile={trusted}",
        "--database": f"postgres://chat:{PASSWORD}@{address}/chat"
                      f"?sslmode=verify-full&sslrootcert={trusted}"}[kind]
    return [word for pair in urls.items() for word in pair]


KINDS = ["--redis", "--amqp", "--database"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_of_another_authority(kind, authorities, cluster, tmp_path):
    trusted, other = authorities
    context = other.server_context("impostor")
    with Impostor(secure(context, kind == "--database")) as impostor:
        options = options_for(kind, impostor.port, trusted.certificate, cluster)
        line = refusal(options, tmp_path)
        assert "certificate" in line and impostor.heard == b"", (line, impostor.heard)


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_for_another_host(kind, authorities, cluster, tmp_path):
    trusted, _ = authorities
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*trusted.make("elsewhere", names="DNS:elsewhere.example"))
    with Impostor(secure(context, kind == "--database")) as impostor:
        options = options_for(kind, impostor.port, trusted.certificate, cluster)
        line = refusal(options, tmp_path)
        assert "host" in line and impostor.heard == b"", (line, impostor.heard)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_without_tls_gets_nothing_in_the_clear(kind, authorities, cluster, tmp_path):
    trusted, _ = authorities
    with Impostor(plain) as impostor:
        refusal(options_for(kind, impostor.port, trusted.certificate, cluster), tmp_path)
        assert PASSWORD.encode() not in impostor.heard
        assert b"AMQP" not in impostor.heard and b"AUTH" not in impostor.heard


@pytest.mark.parametrize("mode", ["prefer", "allow"])
def test_a_database_is_never_reached_by_what_falls_back_to_plaintext(mode, tmp_path):
    url = f"postgres://chat:{PASSWORD}@127.0.0.1:1/chat?sslmode={mode}"
    assert "sslmode" in refusal(["--database", url], tmp_path)


@pytest.mark.parametrize("options, reason", [
    (["--tls-cert", "/nowhere.pem"], "belong together"),
    (["--tls-key", "/nowhere.pem"], "belong together"),
    (["--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"], "/nowhere.pem: No such file"),
    (["--tls-cert", "{cert}", "--tls-key", "/nowhere.key"], "/nowhere.key: No such file"),
    (["--tls-cert", "{cert}", "--tls-key", "{other}"], "the key is not the certificate's"),
    (["--tls-cert", "{key}", "--tls-key", "{key}"], "no certificate in it"),
], ids=lambda value: value if isinstance(value, str) else None)
def test_a_certificate_that_cannot_be_used_is_one_line(options, reason, authorities, tmp_path):
    trusted, other = authorities
    certificate, key = trusted.make("good")
    paths = {"cert": certificate, "key": key, "other": other.make("other")[1]}
    line = refusal([option.format(**paths) for option in options], tmp_path)
    assert reason in line
