"""What users notice of a broker that is away for a minute, and of nodes that are replaced."""

from bench import node
from bench.cluster import Cluster
from bench.figures import count, measures, ratio
from bench.programs import wait_until

PAIRS, SIZE, WINDOW, RATE = 50, 100, 32, 500
SHAPE = ["--pairs", PAIRS, "--size", SIZE, "--window", WINDOW, "--rate", RATE]
OUTAGE_SECONDS, NORMAL_SECONDS = 60, 20
# Before and behind the broker's return, while messages are under way.
RETURN_SECONDS = 20

NODES, SESSIONS, DRAIN_SECONDS = 3, 10_000, 30
RESTART_RATE = 200
IDLE = SESSIONS - 2 * PAIRS


@measures("broker-outage", "broker-outage-arrival", "broker-outage-return")
def broker_outage(bench):
    """Acks while RabbitMQ is away beside those while it is there; how long messages take then, and
    around its return."""
    cluster = bench.cluster()
    cluster.chat(*SHAPE, "--seconds", 1)
    acks, arrivals, returns = {"ours": [], "normal": []}, [], []
    for _ in range(max(1, bench.repeats // 2)):
        normal = cluster.chat(*SHAPE, "--seconds", NORMAL_SECONDS)
        acks["normal"].append(normal["send_to_ack_us"]["p99"])
        cluster.command("stop", "rabbitmq")
        outage = cluster.chat(*SHAPE, "--seconds", OUTAGE_SECONDS)
        acks["ours"].append(outage["send_to_ack_us"]["p99"])
        arrivals.append(outage["send_to_delivery_us"]["max"] / 1e6)
        with node.Load(*cluster.urls, *SHAPE, "--seconds", RETURN_SECONDS, core=None) as load:
            wait_until(lambda: "sessions up" in load.said(), 30, "the pairs' sessions")
            cluster.command("start", "rabbitmq")
            returns.append(load.result()["send_to_delivery_us"]["max"] / 1e6)
    yield ratio("broker-outage", "µs", acks["ours"], {"normal": acks["normal"]}, "ours", "normal")
    yield count("broker-outage-arrival", "s", arrivals)
    yield count("broker-outage-return", "s", returns)


@measures("rolling-restart", "rolling-restart-peak")
def rolling_restart(bench):
    """Connections through nginx that were refused while each node in turn was replaced; and the
    second with the most returns, beside an even spread of a node's sessions over its drain."""
    cluster = Cluster(NODES, f"--drain {DRAIN_SECONDS}")
    bench.stack.callback(cluster.end)
    largest = 0
    with node.Load("--url", cluster.balanced_url, "--pairs", PAIRS, "--size", SIZE,
                   "--window", WINDOW, "--rate", RESTART_RATE, "--idle", IDLE, "--seconds", 600,
                   core=None) as load:
        def all_are_up():
            return load.is_over() or cluster.total("chat_sessions") == SESSIONS
        for index, each in enumerate(cluster.nodes):
            wait_until(all_are_up, 60, f"{SESSIONS} sessions")
            largest = max(largest, cluster.metrics()[index]["chat_sessions"])
            cluster.command("stop", each["id"])
            cluster.command("start", each["id"])
        wait_until(all_are_up, 60, f"{SESSIONS} sessions")
        load.interrupt()
        result = load.result()
    even = largest / DRAIN_SECONDS
    yield count("rolling-restart", "connections refused", [result["unopened"]],
                reconnects=result["reconnects"], resent=result["retried"],
                send_to_delivery_max_s=result["send_to_delivery_us"]["max"] / 1e6)
    yield count("rolling-restart-peak", "returns in a second, of an even spread",
                [result["returns_per_s_max"] / even])
