"""Starts and stops the programs under test, each on free loopback ports."""

import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ.get("CHAT_BUILD", ROOT / ".build/debug"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} not within {seconds} s"
        time.sleep(0.02)
    return value


def get(port, path):
    """One GET; the status and the text of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def metrics(ops_port):
    """Values by series, as /metrics shows them."""
    status, text = get(ops_port, "/metrics")
    assert status == 200
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}


class Program:
    """A running program, its standard output and error going to one log file."""

    def __init__(self, name, *options, environment=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="chat-test-"))
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [BUILD / name, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.folder, env={**os.environ, **dict(environment)})

    def await_port(self, port):
        """Waits until it listens; ends it when it does not."""
        def accepts():
            assert self.is_alive(), self.log.read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0
        try:
            wait_until(accepts, 20, f"{self.process.args[0]} listening")
        except BaseException:
            self.end()
            raise

    def is_alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds):
        return self.process.wait(timeout=seconds)

    def log_lines(self):
        return self.log.read_text(errors="replace").splitlines()

    def resident_bytes(self, field="VmRSS"):
        """Its memory now, or with VmHWM at its largest."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024

    def end(self):
        if self.is_alive():
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Node(Program):
    """An embedded chat-server."""

    def __init__(self, *options, host="127.0.0.1", environment=()):
        self.port, self.ops_port = free_port(), free_port()
        super().__init__(
            "chat-server", "--node-id", "server1", "--listen", f"{host}:{self.port}",
            "--ops-listen", f"127.0.0.1:{self.ops_port}", *options, environment=environment)
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        self.await_port(self.port)

    def metrics(self):
        return metrics(self.ops_port)


class Cluster:
    """Three nodes behind nginx, by deploy/cluster.

    `balance` is how nginx chooses a node. `options` gives more options for every node, from the
    ports that clients connect to, nginx' first.
    """

    def __init__(self, balance="sticky", options=lambda ports: []):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="chat-cluster-"))
        base = free_port_block()
        ports = [base, base + 11, base + 12, base + 13]
        self.environment = {**os.environ, "CHAT_BUILD": str(BUILD),
                            "CHAT_CLUSTER_DIR": str(self.folder),
                            "CHAT_CLUSTER_PORT_BASE": str(base),
                            "CHAT_CLUSTER_BALANCE": balance,
                            "CHAT_CLUSTER_NODE_OPTIONS": " ".join(options(ports))}
        try:
            self.run("up", "3")
        except BaseException:
            self.end()
            raise

    def run(self, *arguments):
        done = subprocess.run([ROOT / "deploy/cluster", *arguments], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=150)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self):
        return json.loads(self.run("status", "--json"))

    def metrics(self):
        """Those of each node."""
        return [metrics(urllib.parse.urlsplit(node["ops"]).port)
                for node in self.status()["nodes"]]

    def urls(self):
        return {node["id"]: node["url"] for node in self.status()["nodes"]}

    def end(self):
        self.run("down")


def own_origins(ports):
    """Options that let pages come which the nodes themselves seem to have served."""
    return [part for port in ports
            for part in ("--allowed-origin", f"http://127.0.0.1:{port}")]


def free_port_block(size=100):
    """The first of `size` ports that nobody listens on, below the kernel's own range."""
    for base in random.sample(range(20_000, 32_000, size), k=100):
        probes = [socket.socket() for _ in range(size)]
        try:
            for offset, probe in enumerate(probes):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", base + offset))
            return base
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError(f"no {size} free ports in a row")
