"""Three nodes with Redis, RabbitMQ and PostgreSQL behind nginx, by deploy/cluster, with a link
between each node and each server."""

import asyncio
import json
import os
import pathlib
import sys
import tempfile

import pika

from bench.cluster import free_port_block
from bench.programs import ROOT

NODES = ("server1", "server2", "server3")
SERVERS = ("redis", "rabbitmq", "postgres")
# So that a rolling restart does not take the minutes that it may take with users.
DRAIN_SECONDS = 3
LINKS_OFFSET = 64
COMMAND_SECONDS = 150


class Failed(Exception):
    """Something of the harness, not of the server, did not work."""


async def run(*command, environment=None, check=True, seconds=COMMAND_SECONDS):
    """A command's output. In a session of its own: what the terminal interrupts is only us."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), env=environment, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True)
    try:
        async with asyncio.timeout(seconds):
            output = (await process.communicate())[0].decode()
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()
        raise
    if check and process.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: {process.returncode}\n{output}")
    return output


class Cluster:
    """Started by `up`, ended by `down`; its folder is kept when somebody wants to read the logs."""

    def __init__(self, build, mutant=None):
        self.build = build
        self.base = free_port_block()
        # The servers' users must be able to enter it, so it lies in no private folder.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="chat-chaos-"))
        self.links_port = self.base + LINKS_OFFSET
        self.environment = {
            **os.environ, "CHAT_BUILD": str(build), "CHAT_CLUSTER_DIR": str(self.folder),
            "CHAT_CLUSTER_PORT_BASE": str(self.base),
            "CHAT_CLUSTER_LINKS": str(self.links_port),
            "CHAT_CLUSTER_NODE_OPTIONS": f"--drain {DRAIN_SECONDS} --send-rate 0"}
        if mutant:
            self.environment["CHAT_MUTANT"] = mutant
        self.url = f"ws://127.0.0.1:{self.base}/ws"
        self.links = None

    async def up(self):
        ports = {"redis": self.base + 1, "rabbitmq": self.base + 2, "postgres": self.base + 5}
        table = {f"{node}.{server}": [self.links_port + 3 * n + s, ports[server]]
                 for n, node in enumerate(NODES) for s, server in enumerate(SERVERS)}
        self.links = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chaos.links", json.dumps(table),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True)
        if await self.links.stdout.readline() != b"ready\n":
            raise Failed("the links did not start")
        await self.command("up", len(NODES))

    async def down(self, keep):
        if self.links is not None:
            self.links.stdin.close()
            await self.links.wait()
        await self.command("down", *(["--keep"] if keep else []))

    async def command(self, *words, environment=None):
        return await run(ROOT / "deploy/cluster", *words,
                         environment={**self.environment, **(environment or {})})

    async def kill(self, name, signal="-9"):
        await self.command("kill", name, signal)

    async def start(self, name, environment=None):
        await self.command("start", name, environment=environment)

    async def stop(self, name):
        """Says whether it stopped by itself."""
        return "did not stop" not in await self.command("stop", name)

    async def set_link(self, name, fault):
        """What the link has carried and hindered since it was last set."""
        self.links.stdin.write((json.dumps({"link": name, "fault": fault}) + "\n").encode())
        return json.loads(await self.links.stdout.readline())

    # What can be seen of it.

    def pid(self, name):
        """Its process; nothing when it does not run."""
        try:
            pid = int((self.folder / f"{name}.pid").read_text().split()[0])
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError, IndexError):
            return None
        return None if state in "XZ" else pid

    def state_of(self, name):
        """R, S, T ... as the kernel has it."""
        pid = self.pid(name)
        if pid is None:
            return "X"
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def ops_port(self, node):
        return self.base + 40 + int(node.removeprefix("server"))

    # Its servers, spoken to directly.

    async def sql(self, text, database="chat"):
        return await run("psql", "-qAtX", "-h", "127.0.0.1", "-p", self.base + 5, "-U", "chat",
                         "-d", database, "-c", text)

    async def redis(self, *words):
        return (await run("redis-cli", "-p", self.base + 1, *words)).strip()

    async def erlang(self, expression):
        return await self.command("rabbitmqctl", "eval", expression)

    async def amqp(self, use):
        """Calls `use` with a channel to the broker itself."""
        def work():
            connection = pika.BlockingConnection(
                pika.ConnectionParameters("127.0.0.1", self.base + 2, blocked_connection_timeout=5))
            try:
                return use(connection.channel())
            finally:
                connection.close()
        return await asyncio.to_thread(work)
