"""What it costs to have many sessions, and to have them all at once."""

import contextlib
import json
import re
import subprocess

from bench import echo, node, stats
from bench.embedded import chat_bench
from bench.figures import count, measures, ratio
from bench.process import pin
from bench.programs import (LOAD_CORE, PEERS, SERVER_CORE, Failed, on_core, run_json,
                            wait_until)

MANY, FEW = 15_000, 100


@measures("idle-cost", "idle-cost-turn")
def idle_cost(bench):
    """CPU of a node per delivered message, beside sessions that do nothing."""
    costs = {MANY: [], FEW: []}
    turns = []
    seconds = max(1, round(bench.seconds))
    with contextlib.ExitStack() as stack:
        nodes = {}
        for sessions in costs:
            nodes[sessions] = stack.enter_context(node.Node(bench.folder))
            idle = stack.enter_context(node.Load(
                "--url", nodes[sessions].url, "--idle", sessions, "--seconds", 0))
            nodes[sessions].wait_until_up(idle, sessions)
            chat_bench(nodes[sessions], "--seconds", 1)
        for sessions in stats.alternating(costs, bench.repeats):
            server = nodes[sessions]
            server.metrics()
            before = server.cpu_seconds()
            result = chat_bench(server, "--seconds", seconds)
            costs[sessions].append((server.cpu_seconds() - before) / result["delivered"] * 1e9)
            if sessions == MANY:
                turns.append(server.metrics()[node.TURN] * 1e3)
    yield ratio("idle-cost", "ns of CPU per message", costs[MANY], {f"{FEW} idle": costs[FEW]},
                "ours", f"{FEW} idle")
    yield count("idle-cost-turn", "ms", turns)


def come(port, *options, meanwhile=None):
    """Opens all connections at once, and holds them until `meanwhile` has returned."""
    words = [PEERS / "ws-load", "-p", port, "-n", MANY, "-c", MANY, "-i", *options]
    if meanwhile is None:
        return run_json([*words, "-t", 0.01])
    with subprocess.Popen(on_core(LOAD_CORE, [*words, "-t", 3]), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as load:
        meanwhile()
        out, errors = load.communicate()
    if load.returncode != 0:
        raise Failed(f"ws-load: {errors.decode()}")
    return json.loads(out)


@measures("storm", "storm-turn")
def storm(bench):
    """All sessions at once: connected, greeted, registered in Redis; beside bare handshakes."""
    cluster = bench.cluster()
    target = cluster.nodes[0]
    ops, port = (int(re.search(r":(\d+)", target[key])[1]) for key in ("ops", "url"))
    pin(target["pid"], SERVER_CORE)
    ours, floor, turns = [], [], []
    for each in stats.alternating(["ours", "floor"], bench.repeats):
        if each == "floor":
            with echo.server("floor") as server:
                floor.append(come(server.port)["handshakes_per_s"])
            continue
        keys = cluster.redis_keys()
        node.metrics(ops)
        result = come(port, "-u", "/ws", "-H", "storm", meanwhile=lambda: wait_until(
            lambda: cluster.redis_keys() - keys >= MANY, 30, f"{MANY} sessions in Redis"))
        ours.append(result["handshakes_per_s"])
        turns.append(node.metrics(ops)[node.TURN] * 1e3)
        wait_until(lambda: node.metrics(ops)["chat_sessions"] == 0, 30, "the sessions' end")
    yield ratio("storm", "sessions/s", ours, {"floor": floor}, "ours", "floor")
    yield count("storm-turn", "ms", turns)
