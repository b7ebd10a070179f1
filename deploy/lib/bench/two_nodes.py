"""Two nodes and all their servers on this machine, beside a chain without batches and database."""

from bench import stats
from bench.figures import count, measures, ratio

PAIRS, SIZE, WINDOW = 50, 100, 32
# What one message is to the broker: its text, its names, its number.
NAIVE_SIZE = 200
# What a node commits at once at most, and what PostgreSQL alone is given at once.
GROUP = 512
RATE = 1000
# Publishers of the chain that the figure is a ratio to, and of one that is as fast as it can get.
CHAINS = {"naive": 1, "naive-8": 8}


@measures("chat-two-nodes", "chat-two-nodes-turn")
def throughput(bench):
    seconds = max(1, round(bench.seconds))
    cluster = bench.cluster()
    options = ["--pairs", PAIRS, "--size", SIZE, "--window", WINDOW]
    cluster.chat(*options, "--seconds", 1)
    ours, turns, acks = [], [], []
    beside = {name: [] for name in [*CHAINS, "postgres"]}
    for each in stats.alternating(["ours", *beside], bench.repeats):
        if each == "postgres":
            result = cluster.pg_insert("-t", seconds, "-n", PAIRS, "-s", SIZE, "-g", GROUP)
            beside[each].append(result["rows_per_s"])
            continue
        if each in CHAINS:
            result = cluster.naive_chain("-t", seconds, "-s", NAIVE_SIZE, "-n", CHAINS[each])
            beside[each].append(result["consumed_per_s"])
            continue
        cluster.longest_turn_ms()
        result = cluster.chat(*options, "--seconds", seconds)
        turns.append(cluster.longest_turn_ms())
        ours.append(result["delivered_per_s"])
        acks.append(result["send_to_ack_us"]["p50"] / 1e3)
    yield ratio("chat-two-nodes", "delivered/s", ours, beside, "ours", "naive",
                send_to_ack_p50_ms=stats.median(acks))
    yield count("chat-two-nodes-turn", "ms", turns)


@measures("chat-latency", "chat-latency-turn")
def latency(bench):
    """Beyond one commit: of each message its delivery after its ack, which says it is committed."""
    seconds = 2 * max(1, round(bench.seconds))
    cluster = bench.cluster()
    options = ["--pairs", PAIRS, "--size", SIZE, "--window", WINDOW, "--rate", RATE]
    cluster.chat(*options, "--seconds", 1)
    beyond, naive, turns = [], [], []
    notes = {"send_to_ack_us": [], "send_to_delivery_us": []}
    for each in stats.alternating(["ours", "naive"], bench.repeats):
        if each == "naive":
            result = cluster.naive_chain("-t", seconds, "-s", NAIVE_SIZE, "-R", RATE)
            naive.append(result["publish_to_consume_us"]["p99"])
            continue
        cluster.longest_turn_ms()
        result = cluster.chat(*options, "--seconds", seconds)
        turns.append(cluster.longest_turn_ms())
        beyond.append(result["ack_to_delivery_us"]["p99"])
        for name in notes:
            notes[name].append(result[name]["p99"])
    yield ratio("chat-latency", "µs", beyond, {"naive": naive}, "ours", "naive",
                p99={name: stats.median(values) for name, values in notes.items()})
    yield count("chat-latency-turn", "ms", turns)
