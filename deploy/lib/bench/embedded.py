"""One node that keeps its messages in SQLite, beside SQLite alone."""

from bench import node, stats
from bench.figures import count, measures, ratio
from bench.programs import PEERS, SERVER_CORE, run_json

# The same for both: 50 conversations, texts of 100 bytes.
PAIRS, SIZE, WINDOW = 50, 100, 32
# What the server commits at once at most.
GROUP = 1024
WARM_SECONDS = 1


def chat_bench(server, *options):
    return node.chat("--url", server.url, "--pairs", PAIRS, "--size", SIZE, "--window", WINDOW,
                     *options)


def insert(folder, seconds):
    """Rows a second of SQLite alone, on the server's core."""
    file = folder / "rows.db"
    try:
        return run_json([PEERS / "sqlite-insert", file, "-n", PAIRS, "-s", SIZE, "-g", GROUP,
                         "-t", seconds], core=SERVER_CORE)["rows_per_s"]
    finally:
        for each in folder.glob("rows.db*"):
            each.unlink()


@measures("chat-embedded", "chat-embedded-turn")
def embedded(bench):
    ours, rows, turns, acks = [], [], [], []
    seconds = max(1, round(bench.seconds))
    for each in stats.alternating(["ours", "sqlite"], bench.repeats):
        if each == "sqlite":
            rows.append(insert(bench.folder, seconds))
            continue
        with node.Node(bench.folder) as server:
            chat_bench(server, "--seconds", WARM_SECONDS)
            server.metrics()
            result = chat_bench(server, "--seconds", seconds)
            turns.append(server.metrics()[node.TURN] * 1e3)
        ours.append(result["delivered_per_s"])
        acks.append(result["send_to_ack_us"]["p50"] / 1e3)
    yield ratio("chat-embedded", "messages/s", ours, {"sqlite": rows}, "ours", "sqlite",
                send_to_ack_p50_ms=stats.median(acks))
    yield count("chat-embedded-turn", "ms", turns)
