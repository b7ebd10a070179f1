"""What a pair of users notices of connections that are slow, silent and loud."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from bench import node, process, stats
from bench.figures import count, measures, ratio
from bench.programs import LOAD_CORE, PEERS, Failed, on_core, wait_until

# 2,000 that drip, 2,000 that never read, 1,100 that ping, and 100 that each write to
# 20 of those who do not read, 16 KB a second.
CONNECTIONS = 5_200
PAIR = ("--pairs", 1, "--rate", 500, "--window", 32, "--size", 100)
# A second by all of a kind, as ws-attack has them; and how much of it has to come about.
RATES = {"head": 2000, "frame": 2000, "loud": 100, "ping": 10_000}
SHARE_MIN = 0.95
SETTLE_SECONDS = 1
MIB = 1 << 20


class Attack:
    """ws-attack, running. It gets what the pair leaves of its core: it must not slow the pair by
    anything but what it does to the server."""

    def __init__(self, port):
        words = ["chrt", "--idle", 0, PEERS / "ws-attack", "-p", port]
        self.process = subprocess.Popen(on_core(LOAD_CORE, words), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)

    def totals(self):
        """What it has done since it started."""
        self.process.send_signal(signal.SIGUSR1)
        line = self.process.stdout.readline()
        if not line:
            raise Failed("ws-attack has ended")
        return json.loads(line)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def check_rates(before, after):
    """The attack was what it says it is."""
    seconds = after["seconds"] - before["seconds"]
    for kind, wanted in RATES.items():
        rate = (after[kind]["done"] - before[kind]["done"]) / seconds
        if rate < wanted * SHARE_MIN:
            raise Failed(f"{kind}: {rate:.0f} of {wanted} a second")
    pongs = (after["ping"]["answers"] - before["ping"]["answers"]) / seconds
    if pongs < RATES["ping"] * SHARE_MIN:
        raise Failed(f"{pongs:.0f} pongs a second")


def memory_folder(bench):
    """Where a commit costs the same every time: a disk's own p99 differs tenfold within a minute."""
    shared = pathlib.Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else bench.folder


@measures("attack", "attack-turn", "attack-memory")
def attack(bench):
    """p99 from send to delivery of a pair on an attacked node, beside one on a node in peace."""
    seconds = 2 * max(1, round(bench.seconds))
    p99 = {"ours": [], "peace": []}
    p50 = {"ours": [], "peace": []}
    turns, memory = [], []
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="chat-bench-", dir=memory_folder(bench))))
        nodes = {each: stack.enter_context(node.Node(folder)) for each in p99}
        target = nodes["ours"]
        at_rest = process.anonymous_bytes(target.pid)
        attacker = stack.enter_context(Attack(target.port))
        wait_until(lambda: target.metrics()["chat_connections"] >= CONNECTIONS * 0.99, 30,
                   f"{CONNECTIONS} connections")
        # From here on those who do not read are told of gaps, closed, and come again.
        wait_until(lambda: target.metrics()["chat_gaps_total"] > 0, 60, "a gap")
        for each in stats.alternating(p99, max(bench.repeats, 5)):
            if each == "ours":
                attacker.resume()
                time.sleep(SETTLE_SECONDS)
                target.metrics()
                before = attacker.totals()
            else:
                attacker.pause()
            result = node.chat("--url", nodes[each].url, *PAIR, "--seconds", seconds)
            if each == "ours":
                check_rates(before, attacker.totals())
                turns.append(target.metrics()[node.TURN] * 1e3)
                memory.append((process.anonymous_bytes(target.pid) - at_rest) / MIB)
            p99[each].append(result["send_to_delivery_us"]["p99"])
            p50[each].append(result["send_to_delivery_us"]["p50"])
    yield ratio("attack", "µs", p99["ours"], {"peace": p99["peace"]}, "ours", "peace",
                p50={each: stats.median(values) for each, values in p50.items()})
    yield count("attack-turn", "ms", turns)
    yield the_most("attack-memory", "MiB", memory)


def the_most(name, unit, values):
    """The most that was seen, not the middle: what is asked is whether it is bounded."""
    figure = count(name, unit, values)
    figure.value = max(values)
    return figure
