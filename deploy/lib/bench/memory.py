"""User-space memory of a connection that does nothing, fresh and after it had much to do."""

import time

from bench import echo, node
from bench.figures import count, measures
from bench.programs import Failed, wait_until
from bench.process import private_bytes

CONNECTIONS = 10_000
SETTLE_SECONDS = 1
# Of each connection, all at once: 16 echoes of 1 KiB; 10 messages of 100 bytes to its partner.
ECHO_BURST = ["-w", 16, "-s", 1024]
CHAT_BURST = 10
REPEATS_MAX = 3


@measures("memory-echo-idle", "memory-echo-burst")
def echo_memory(bench):
    bytes_of = {(name, when): [] for name in ("ours", "floor", "nio")
                for when in ("idle", "after_burst")}
    for _ in range(min(bench.repeats, REPEATS_MAX)):
        for name in ("ours", "floor", "nio"):
            with echo.server(name) as server:
                result = echo.load(server, "-i", "-n", CONNECTIONS, *ECHO_BURST,
                                   "-t", SETTLE_SECONDS)
            for when in ("idle", "after_burst"):
                bytes_of[name, when].append(result[when]["server_bytes"])
    for figure, when in (("memory-echo-idle", "idle"), ("memory-echo-burst", "after_burst")):
        yield count(figure, "bytes per connection", bytes_of["ours", when],
                    beside={name: bytes_of[name, when] for name in ("floor", "nio")})


@measures("memory-chat-idle", "memory-chat-burst")
def chat_memory(bench):
    fresh, burst = [], []
    for _ in range(min(bench.repeats, REPEATS_MAX)):
        with node.Node(bench.folder) as server:
            before = private_bytes(server.pid)
            with node.Load("--url", server.url, "--idle", CONNECTIONS, "--seconds", 0) as load:
                server.wait_until_up(load, CONNECTIONS)
                time.sleep(SETTLE_SECONDS)
                fresh.append((private_bytes(server.pid) - before) / CONNECTIONS)
        with node.Node(bench.folder) as server:
            before = private_bytes(server.pid)
            with node.Load("--url", server.url, "--pairs", CONNECTIONS // 2, "--size", 100,
                           "--messages", CHAT_BURST, "--window", CHAT_BURST,
                           "--hold", 1_000) as load:
                wait_until_delivered(server, load, CONNECTIONS * CHAT_BURST)
                burst.append((private_bytes(server.pid) - before) / CONNECTIONS)
                load.interrupt()
                load.result()
    yield count("memory-chat-idle", "bytes per session", fresh)
    yield count("memory-chat-burst", "bytes per session", burst)


def wait_until_delivered(server, load, messages):
    def delivered():
        if load.is_over():
            raise Failed("the burst ended early")
        return server.metrics()["chat_messages_delivered_total"] >= messages
    wait_until(delivered, 120, f"{messages} messages")
    time.sleep(SETTLE_SECONDS)
