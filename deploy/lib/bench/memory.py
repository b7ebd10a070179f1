"""User-space memory of a connection that does nothing, fresh and after it had much to do.

All readings are taken at rest, when the process has had the time to give back what it will. What
is measured does not depend on the pace, so servers are measured side by side and rest together.
"""

import concurrent.futures
import time

from bench import echo, node
from bench.figures import count, measures
from bench.programs import Failed, wait_until
from bench.process import anonymous_bytes

CONNECTIONS = 10_000
# A node looks every 5 s whether it has come to rest: at the second look at the latest it has.
REST_SECONDS = 12
# Of each connection, all at once: 16 echoes of 1 KiB; 10 messages of 100 bytes to its partner.
ECHO_BURST = ["-w", 16, "-s", 1024]
CHAT_BURST = 10
# Memory hardly varies.
REPEATS_MAX = 2


def side_by_side(function, arguments):
    """What `function` gives for each argument, all run at once."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return dict(zip(arguments, pool.map(function, arguments)))


@measures("memory-echo-idle", "memory-echo-burst")
def echo_memory(bench):
    names = ("ours", "floor", "nio")
    repeats = [side_by_side(echo_growth, names)
               for _ in range(min(bench.repeats, REPEATS_MAX))]
    for figure, when in (("memory-echo-idle", "idle"), ("memory-echo-burst", "after_burst")):
        series = {name: [repeat[name][when]["server_bytes"] for repeat in repeats]
                  for name in names}
        yield count(figure, "bytes per connection", series.pop("ours"), beside=series)


def echo_growth(name):
    with echo.server(name) as server:
        return echo.load(server, "-i", "-n", CONNECTIONS, *ECHO_BURST, "-t", REST_SECONDS)


@measures("memory-chat-idle", "memory-chat-burst")
def chat_memory(bench):
    idle = ["--idle", CONNECTIONS, "--seconds", 0]
    burst = ["--pairs", CONNECTIONS // 2, "--size", 100, "--messages", CHAT_BURST,
             "--window", CHAT_BURST, "--hold", 1_000]

    def growth(name):
        with node.Node(bench.folder) as server:
            before = anonymous_bytes(server.pid)
            with node.Load("--url", server.url, *(idle if name == "idle" else burst)) as load:
                server.wait_until_up(load, CONNECTIONS)
                if name == "burst":
                    wait_until_delivered(server, load, CONNECTIONS * CHAT_BURST)
                time.sleep(REST_SECONDS)
                grown = anonymous_bytes(server.pid) - before
                if name == "burst":
                    load.interrupt()
                    load.result()
        return grown / CONNECTIONS

    repeats = [side_by_side(growth, ("idle", "burst"))
               for _ in range(min(bench.repeats, REPEATS_MAX))]
    for name in ("idle", "burst"):
        yield count(f"memory-chat-{name}", "bytes per session",
                    [repeat[name] for repeat in repeats])


def wait_until_delivered(server, load, messages):
    def delivered():
        if load.is_over():
            raise Failed("the burst ended early")
        return server.metrics()["chat_messages_delivered_total"] >= messages
    wait_until(delivered, 120, f"{messages} messages")
