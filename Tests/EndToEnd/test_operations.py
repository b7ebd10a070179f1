"""Health, metrics, options and stopping."""

import json
import re
import signal
import subprocess
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from chat import Client
from servers import BUILD, Node, free_port, get, wait_until
from sockjs import Session
from streams import Connection

SERIES = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})? [-+0-9.eE]+|.* \+Inf')


def run_to_end(*options, **environment):
    return subprocess.run(
        [BUILD / "chat-server", *options], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=60, env={"PATH": "/usr/bin:/bin", **environment}, cwd="/tmp")


def test_health_and_readiness(node):
    assert get(node.ops_port, "/healthz")[0] == 200
    assert get(node.ops_port, "/readyz")[0] == 200
    assert get(node.ops_port, "/nothing")[0] == 404


def test_metrics_are_prometheus_text_and_count(node, name):
    status, text = get(node.ops_port, "/metrics")
    assert status == 200
    for line in text.splitlines():
        assert not line or line.startswith("#") or SERIES.fullmatch(line), line

    before = node.metrics()
    with Client(node.url, name("alice")) as alice, Client(node.url, name("bob")) as bob:
        alice.send(f"@{bob.user}", "hi")
        bob.next()
        risen = {series for series, value in node.metrics().items()
                 if value > before.get(series, 0)}
    for what in ("connections", "messages", "acked", "delivered"):
        assert any(what in series for series in risen), (what, risen)


def test_open_mode_is_said_loudly_once(node):
    assert sum("open mode" in line.lower() for line in node.log_lines()) == 1


@pytest.mark.parametrize("options", [
    ("--no-such-option",),
    ("--listen", "nonsense"),
    ("--listen", "127.0.0.1:99999"),
    ("--event-loops", "0"),
    ("--event-loops", "many"),
    ("--node-id", "not a name"),
    ("--log-level", "loud"),
    ("--log-format", "xml"),
    ("--database", "mysql://127.0.0.1/chat"),
    ("--redis", "http://127.0.0.1"),
    ("--data-dir", "/proc/nowhere"),
    ("--redis", "redis://:hunter2@127.0.0.1:1"),
    ("--redis", "redis://:hunter2@127.0.0.1:1", "--amqp", "amqp://guest:hunter2@127.0.0.1:1"),
    ("--database", "postgres://chat:hunter2@127.0.0.1:1/chat"),
], ids=" ".join)
def test_a_wrong_option_or_an_absent_back_end_is_one_line_and_exit_78(options, tmp_path):
    defaults = {"--node-id": "server1", "--listen": f"127.0.0.1:{free_port()}",
                "--ops-listen": f"127.0.0.1:{free_port()}", "--data-dir": str(tmp_path)}
    others = [word for option, value in defaults.items() if option not in options
              for word in (option, value)]
    ended = run_to_end(*others, *options)
    assert ended.returncode == 78, ended
    errors = [line for line in (ended.stdout + ended.stderr).splitlines()
              if "open mode" not in line.lower()]
    assert len(errors) == 1, errors
    assert "hunter2" not in errors[0]


def test_an_occupied_port_is_one_line_and_exit_78(node, tmp_path):
    ended = run_to_end("--node-id", "server1", "--listen", f"127.0.0.1:{free_port()}",
                       "--ops-listen", f"127.0.0.1:{node.ops_port}", "--data-dir", str(tmp_path))
    assert ended.returncode == 78
    assert str(node.ops_port) in ended.stdout + ended.stderr


def test_open_mode_refuses_other_than_loopback_addresses(tmp_path):
    options = ("--node-id", "server1", "--listen", f"0.0.0.0:{free_port()}",
               "--ops-listen", f"127.0.0.1:{free_port()}", "--data-dir", str(tmp_path))
    ended = run_to_end(*options)
    assert ended.returncode == 78
    assert "--insecure-open" in ended.stdout + ended.stderr


def test_insecure_open_listens_where_it_is_told(name):
    with (Node("--insecure-open", host="0.0.0.0") as node,
          Client(node.url, name("alice")) as alice):
        assert alice.ready["type"] == "ready"


def test_help_and_version():
    shown = run_to_end("--help")
    assert shown.returncode == 0
    for option in ("--node-id", "--listen", "--ops-listen", "--event-loops", "--redis", "--amqp",
                   "--database", "--data-dir", "--allowed-origin", "--log-level",
                   "--log-format", "--insecure-open", "--send-rate", "--drain"):
        assert option in shown.stdout
    assert re.search(r"\d+\.\d+", run_to_end("--version").stdout)


def test_options_come_from_the_environment_too(name):
    with Node(environment={"CHAT_EVENT_LOOPS": "1", "CHAT_LOG_FORMAT": "json"}) as node:
        with Client(node.url, name("alice")):
            pass
        for line in node.log_lines():
            assert isinstance(json.loads(line), dict)


def test_a_stopped_node_sends_its_clients_away_and_exits_0(name):
    with Node("--drain", "2") as node, Client(node.url, name("alice")) as alice:
        started = time.monotonic()
        node.signal(signal.SIGTERM)
        wait_until(lambda: get(node.ops_port, "/readyz")[0] == 503, 2, "not ready")
        assert get(node.ops_port, "/healthz")[0] == 200
        assert alice.next("reconnect", timeout=10)["after_ms"] >= 0
        assert alice.expect_closed(timeout=10) == 4200
        assert node.wait(10) == 0
        assert 5 < time.monotonic() - started < 15


def test_a_stopped_node_tells_its_polling_clients_on_the_connection_that_they_have(name):
    with Node("--drain", "1") as node:
        url = f"http://127.0.0.1:{node.port}"
        session = Session(f"{url}/sockjs", query=f"user={name('alice')}")
        with Connection(url) as connection:
            def poll():
                response = connection.request("POST", session.target("xhr"))
                assert response.status == 200
                return response.read()
            assert poll() == "o\n"
            node.signal(signal.SIGTERM)
            frames = []
            while not frames or frames[-1][0] != "c":
                frames.append(poll())
            assert "reconnect" in frames[-2]
            assert frames[-1] == 'c[4200,"the node is stopping"]\n'
        assert node.wait(15) == 0


def test_the_sessions_of_each_kind_are_counted(name):
    with Node() as node:
        url = f"http://127.0.0.1:{node.port}"
        assert Session(f"{url}/ws-chat", query=f"user={name('alice')}").poll() == "o\n"
        with connect(f"ws://127.0.0.1:{node.port}/sockjs/0/s/websocket") as socket:
            assert socket.recv() == "o"
            metrics = node.metrics()
            for series in ('chat_sockjs_sessions{carrier="requests"}',
                           'chat_sockjs_sessions{carrier="websocket"}', "chat_stomp_sessions"):
                assert metrics[series] == 1
            assert metrics["chat_sockjs_carried_total"] == 0


def test_new_clients_are_taken_while_the_drain_begins(name):
    with Node() as node:
        node.signal(signal.SIGTERM)
        with Client(node.url, name("alice")) as late:
            assert late.ready["type"] == "ready"
        node.signal(signal.SIGTERM)
        node.wait(5)


def test_a_second_sigterm_ends_it_at_once(name):
    with Node() as node, Client(node.url, name("alice")) as alice:
        node.signal(signal.SIGTERM)
        time.sleep(0.2)
        node.signal(signal.SIGTERM)
        node.wait(2)
        with pytest.raises(ConnectionClosed):
            alice.next("nothing", timeout=5)
