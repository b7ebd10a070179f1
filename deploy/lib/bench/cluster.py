"""Nodes with a Redis, RabbitMQ and PostgreSQL of their own, by deploy/cluster."""

import json
import os
import random
import socket
import subprocess
import tempfile

from bench import node
from bench.programs import OURS, PEERS, ROOT, Failed, run, run_json

PORTS = 100


def free_port_block():
    """The first of 100 ports that nobody listens on, below the kernel's own range."""
    for base in random.sample(range(20_000, 32_000, PORTS), k=100):
        try:
            for port in range(base, base + PORTS):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise Failed(f"no {PORTS} free ports in a row")


class Cluster:
    """Nodes of one event loop each. Clients talk to the nodes, not to nginx.

    A context, entered by whoever starts it; nothing of it is left behind.
    """

    def __init__(self, nodes=2, options=""):
        self.base = free_port_block()
        # The servers' users must be able to enter it, so it lies in no private folder.
        self.folder = tempfile.mkdtemp(prefix="chat-bench-cluster-")
        self.environment = {
            **os.environ, "CHAT_BUILD": str(OURS), "CHAT_CLUSTER_DIR": self.folder,
            "CHAT_CLUSTER_PORT_BASE": str(self.base),
            "CHAT_CLUSTER_NODE_OPTIONS": f"--event-loops 1 --send-rate 0 {options}"}
        try:
            self.command("up", str(nodes))
            self.nodes = json.loads(self.command("status", "--json"))["nodes"]
        except BaseException:
            self.end()
            raise

    def command(self, *words):
        # In a session of its own: an interrupt from the terminal must not end the clean-up.
        done = subprocess.run([ROOT / "deploy/cluster", *words], env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=150, check=False, start_new_session=True)
        if done.returncode != 0:
            raise Failed(f"deploy/cluster {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def end(self):
        self.command("down")

    @property
    def urls(self):
        return [word for each in self.nodes for word in ("--url", each["url"])]

    @property
    def balanced_url(self):
        """Through nginx."""
        return f"ws://127.0.0.1:{self.base}/ws"

    @property
    def redis_port(self):
        return self.base + 1

    @property
    def amqp_port(self):
        return self.base + 2

    @property
    def postgres_port(self):
        return self.base + 5

    def metrics(self):
        """Those of each node."""
        return [node.metrics(int(each["ops"].rpartition(":")[2])) for each in self.nodes]

    def longest_turn_ms(self):
        """Of all nodes, since the last time that any metrics were asked for."""
        return 1e3 * max(each[node.TURN] for each in self.metrics())

    def total(self, series):
        return sum(each[series] for each in self.metrics())

    def chat(self, *options, **where):
        return node.chat(*self.urls, *options, **{"core": None, **where})

    def naive_chain(self, *options):
        return run_json([PEERS / "naive-chain", "-a", self.amqp_port, "-r", self.redis_port,
                         *options], core=None)

    def pg_insert(self, *options):
        return run_json([PEERS / "pg-insert", f"host=127.0.0.1 port={self.postgres_port} "
                         "user=chat dbname=chat", *options], core=None)

    def redis_keys(self):
        return int(run(["redis-cli", "-p", self.redis_port, "dbsize"], core=None))
