"""How cost grows: sweeps over load and over connections, drawn into docs/performance."""

import contextlib

from bench import echo, node, stats
from bench.embedded import PAIRS, SIZE, chat_bench
from bench.process import anonymous_bytes
from bench.programs import ROOT, Failed
from bench.svg import Axis, Line, chart

FOLDER = ROOT / "docs/performance"
RATES = [1_000, 2_000, 5_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 140_000, 180_000]
IDLE = [1_000, 2_000, 5_000, 10_000, 15_000]
ACTIVE = [1, 10, 50, 200, 1_000, 5_000]
ECHO_NAMES = {"ours": "ws-echo", "floor": "C floor", "nio": "SwiftNIO"}
# Far more than a session may have unanswered: what is due goes out.
WINDOW = 10_000
REPEATS = 3


def write(name, *chart_of):
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(chart(*chart_of), encoding="utf-8")


def sweep(run):
    """Offered rates, what was delivered, and latencies, until the rate is not kept any more."""
    for rate in RATES:
        result = run("--pairs", PAIRS, "--size", SIZE, "--window", WINDOW, "--rate", rate,
                     "--seconds", 2)
        latency = result["send_to_delivery_us"]
        yield rate, result["delivered_per_s"], latency["p50"] / 1e3, latency["p99"] / 1e3
        if result["delivered_per_s"] < 0.9 * rate:
            return


def load(bench):
    """Throughput and latency of a node by itself, and of two with their servers."""
    with node.Node(bench.folder) as server:
        one = list(sweep(lambda *options: node.chat("--url", server.url, *options)))
    two = list(sweep(bench.cluster().chat))
    runs = [("one node, SQLite", one, 0), ("two nodes, PostgreSQL and RabbitMQ", two, 1)]
    offered = Axis("messages offered per second", is_log=True)
    write("throughput", "Delivered against offered", offered,
          Axis("messages delivered per second", is_log=True),
          [Line(name, [(rate, done) for rate, done, *_ in points], colour)
           for name, points, colour in runs])
    write("latency", "From send to delivery, commit included", offered,
          Axis("milliseconds", is_log=True),
          [Line(f"{name}: {label}", [(point[0], point[column]) for point in points], colour,
                is_dashed=label == "p99")
           for name, points, colour in [("one node", one, 0), ("two nodes", two, 1)]
           for label, column in (("p50", 2), ("p99", 3))])


def memory(bench):
    """User-space memory against connections that do nothing."""
    lines = {"chat node": []}
    for sessions in IDLE:
        with node.Node(bench.folder) as server:
            before = anonymous_bytes(server.pid)
            with node.Load("--url", server.url, "--idle", sessions, "--seconds", 0) as idle:
                server.wait_until_up(idle, sessions)
                gained = anonymous_bytes(server.pid) - before
            lines["chat node"].append((sessions, mebibytes(gained)))
    for each, name in ECHO_NAMES.items():
        lines[name] = []
        for connections in IDLE:
            with echo.server(each) as server:
                result = echo.load(server, "-i", "-n", connections, "-t", 0.5)
            gained = result["idle"]["server_bytes"] * connections
            lines[name].append((connections, mebibytes(gained)))
    write("memory", "User-space memory of idle connections",
          Axis("connections", is_log=True), Axis("MiB", is_log=True),
          [Line(name, points, colour) for colour, (name, points) in enumerate(lines.items())])


def mebibytes(count):
    return max(count, 4096) / (1 << 20)


def cpu(bench):
    """CPU per echoed message against connections that are all busy, and per chat message
    against sessions that do nothing."""
    lines = {each: [] for each in ECHO_NAMES}
    with contextlib.ExitStack() as stack:
        servers = {each: stack.enter_context(echo.server(each)) for each in ECHO_NAMES}
        for connections in ACTIVE:
            costs = {each: [] for each in ECHO_NAMES}
            for each in stats.alternating(ECHO_NAMES, REPEATS):
                costs[each].append(echo_cost(servers[each], connections))
            for each, values in costs.items():
                lines[each].append((connections, stats.median(values)))
    write("cpu-echo", "CPU per echo of 64 bytes, one under way on each connection",
          Axis("busy connections", is_log=True), Axis("microseconds of the server's CPU"),
          [Line(ECHO_NAMES[each], points, colour)
           for colour, (each, points) in enumerate(lines.items())])

    points = []
    for sessions in [100, *IDLE]:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(node.Node(bench.folder))
            idle = stack.enter_context(node.Load(
                "--url", server.url, "--idle", sessions, "--seconds", 0))
            server.wait_until_up(idle, sessions)
            chat_bench(server, "--seconds", 1)
            points.append((sessions, stats.median(
                [chat_cost(server) for _ in range(REPEATS)])))
    write("cpu-idle", "CPU per chat message beside idle sessions",
          Axis("idle sessions", is_log=True), Axis("microseconds of the node's CPU"),
          [Line("one node, 50 pairs, window 32", points, 0)])


def echo_cost(server, connections):
    """Microseconds per echo."""
    result = echo.load(server, "-n", connections, "-r", 0.2, "-t", 0.7)
    return result["server_cpu_ns"] / 1e3


def chat_cost(server):
    """Microseconds per delivered message."""
    before = server.cpu_seconds()
    result = chat_bench(server, "--seconds", 1)
    return (server.cpu_seconds() - before) / result["delivered"] * 1e6


PLOTS = {"load": load, "memory": memory, "cpu": cpu}


def draw(bench, names):
    """Draws these, or all."""
    unknown = [name for name in names if name not in PLOTS]
    if unknown:
        raise Failed(f"no plot {', '.join(unknown)}; there are {', '.join(PLOTS)}")
    for name in names or PLOTS:
        PLOTS[name](bench)
