"""What users notice of a broker that is away for a minute."""

from bench import node
from bench.figures import count, measures, ratio
from bench.programs import wait_until

PAIRS, SIZE, WINDOW, RATE = 50, 100, 32, 500
SHAPE = ["--pairs", PAIRS, "--size", SIZE, "--window", WINDOW, "--rate", RATE]
OUTAGE_SECONDS, NORMAL_SECONDS = 60, 20
# Before and behind the broker's return, while messages are under way.
RETURN_SECONDS = 20


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
