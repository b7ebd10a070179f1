"""Two nodes and all their servers on this machine, beside a chain without batches and database."""

from bench import stats
from bench.figures import count, measures, ratio

PAIRS, SIZE, WINDOW = 50, 100, 32
# What one message is to the broker: its text, its names, its number.
NAIVE_SIZE = 200
RATE = 1000


@measures("chat-two-nodes", "turn-chat-two-nodes")
def throughput(bench):
    seconds = max(1, round(bench.seconds))
    cluster = bench.cluster()
    options = ["--pairs", PAIRS, "--size", SIZE, "--window", WINDOW]
    cluster.chat(*options, "--seconds", 1)
    ours, naive, turns, acks = [], [], [], []
    for each in stats.alternating(["ours", "naive"], bench.repeats):
        if each == "naive":
            result = cluster.naive_chain("-t", seconds, "-s", NAIVE_SIZE)
            naive.append(result["consumed_per_s"])
            continue
        cluster.longest_turn_ms()
        result = cluster.chat(*options, "--seconds", seconds)
        turns.append(cluster.longest_turn_ms())
        ours.append(result["delivered_per_s"])
        acks.append(result["send_to_ack_us"]["p50"] / 1e3)
    yield ratio("chat-two-nodes", "delivered/s", ours, {"naive": naive}, "ours", "naive",
                send_to_ack_p50_ms=stats.median(acks))
    yield count("turn-chat-two-nodes", "ms", turns)


@measures("chat-latency", "turn-chat-latency")
def latency(bench):
    """Beyond one commit: the median from send to ack, which is a commit and the client's way."""
    seconds = 2 * max(1, round(bench.seconds))
    cluster = bench.cluster()
    options = ["--pairs", PAIRS, "--size", SIZE, "--window", WINDOW, "--rate", RATE]
    cluster.chat(*options, "--seconds", 1)
    beyond, naive, turns, p99, commit = [], [], [], [], []
    for each in stats.alternating(["ours", "naive"], bench.repeats):
        if each == "naive":
            result = cluster.naive_chain("-t", seconds, "-s", NAIVE_SIZE, "-R", RATE)
            naive.append(result["publish_to_consume_us"]["p99"])
            continue
        cluster.longest_turn_ms()
        result = cluster.chat(*options, "--seconds", seconds)
        turns.append(cluster.longest_turn_ms())
        p99.append(result["send_to_delivery_us"]["p99"])
        commit.append(result["send_to_ack_us"]["p50"])
        beyond.append(p99[-1] - commit[-1])
    yield ratio("chat-latency", "µs", beyond, {"naive": naive}, "ours", "naive",
                send_to_delivery_p99_us=stats.median(p99), send_to_ack_p50_us=stats.median(commit))
    yield count("turn-chat-latency", "ms", turns)
