"""A message for 10,000 members of a room: on one loop beside a C program that writes the same bytes
to as many sockets, and over three nodes."""

from bench import node, stats
from bench.cluster import Cluster
from bench.figures import count, measures, ratio
from bench.programs import PEERS, Server, free_port, wait_until

# And one more, who writes.
MEMBERS = 10_000
SHAPE = ["--members", MEMBERS, "--size", 100, "--window", 64]
# What the load reads beside the server, on a core each, without falling behind.
FANOUT_RATE = 10
NODES, NODES_RATE = 3, 20


def floor():
    port = free_port()
    return Server([PEERS / "c-fanout", port], port)


def read_all(server, url, seconds, *options):
    """Loads a server with one room; what chat-bench says, in which nothing was lost."""
    return node.Load("--url", url, *SHAPE, "--rate", FANOUT_RATE, "--seconds", seconds,
                     "--server-pid", server.pid, *options)


@measures("room-fanout", "room-fanout-turn")
def fanout(bench):
    seconds = 2 * max(1, round(bench.seconds))
    costs, lasts, turns = {"ours": [], "floor": []}, {"ours": [], "floor": []}, []
    for each in stats.alternating(costs, bench.repeats):
        if each == "floor":
            with floor() as server, read_all(
                    server, f"ws://127.0.0.1:{server.port}", seconds, "--relay") as load:
                result = load.result()
        else:
            with node.Node(bench.folder) as server, read_all(server, server.url, seconds) as load:
                # Looking begins the longest turn anew: that of the connecting is not of interest.
                server.wait_until_up(load, MEMBERS + 1)
                result = load.result()
                turns.append(server.metrics()[node.TURN] * 1e3)
        costs[each].append(result["server_cpu_ns"])
        lasts[each].append(result["send_to_last_us"]["p99"] / 1e3)
    yield ratio("room-fanout", "ns of CPU per delivery", costs["ours"], {"floor": costs["floor"]},
                "floor", "ours",
                send_to_last_p99_ms={name: stats.median(each) for name, each in lasts.items()})
    yield count("room-fanout-turn", "ms", turns)


@measures("room-nodes")
def over_nodes(bench):
    """Envelopes on the bus per message and other node; the members are on all nodes alike.

    Turns are no figure: they are as long as nodes wait for one of the two cores, which are full.
    """
    seconds = 2 * max(1, round(bench.seconds))
    envelopes, turns, lasts = [], [], []
    cluster = Cluster(NODES)
    bench.stack.callback(cluster.end)
    for _ in range(bench.repeats):
        before = cluster.total("chat_bus_envelopes_published_total")
        with node.Load(*cluster.urls, *SHAPE, "--rate", NODES_RATE, "--seconds", seconds,
                       core=None) as load:
            wait_until(lambda: load.is_over() or cluster.total("chat_sessions") == MEMBERS + 1,
                       60, f"{MEMBERS} sessions")
            cluster.longest_turn_ms()
            result = load.result()
        turns.append(cluster.longest_turn_ms())
        published = cluster.total("chat_bus_envelopes_published_total") - before
        envelopes.append(published / result["acked"] / (NODES - 1))
        lasts.append(result["send_to_last_us"]["p99"] / 1e3)
        wait_until(lambda: cluster.total("chat_sessions") == 0, 30, "the sessions' end")
    yield count("room-nodes", "envelopes per message and node", envelopes,
                send_to_last_p99_ms=lasts, longest_turn_ms=turns)
