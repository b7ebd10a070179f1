"""The echo path: CPU of the server per message, beside the least that a server can do."""

import contextlib
import dataclasses

from bench import stats
from bench.figures import measures, ratio
from bench.programs import OURS, PEERS, Server, free_port, run_json

COMMANDS = {
    "ours": lambda port: [OURS / "ws-echo", "--listen", f"127.0.0.1:{port}"],
    "floor": lambda port: [PEERS / "c-echo", port],
    "nio": lambda port: [PEERS / "nio-echo", port],
}


@dataclasses.dataclass(frozen=True)
class Shape:
    connections: int
    size: int
    window: int

    def options(self):
        return ["-n", self.connections, "-s", self.size, "-w", self.window]


SHAPES = {
    "echo-50x64-w1": Shape(50, 64, 1),
    "echo-500x64-w1": Shape(500, 64, 1),
    "echo-50x64-w32": Shape(50, 64, 32),
    "echo-50x16k-w1": Shape(50, 16_384, 1),
}


def server(name, **options):
    port = free_port()
    return Server(COMMANDS[name](port), port, **options)


def load(target, *options):
    """Loads a running echo server; what ws-load says."""
    return run_json([PEERS / "ws-load", "-p", target.port, "-P", target.pid, *options])


@measures(*SHAPES)
def cpu_per_message(bench):
    for name, shape in SHAPES.items():
        if not bench.wants(name):
            continue
        with contextlib.ExitStack() as stack:
            servers = {each: stack.enter_context(server(each)) for each in COMMANDS}
            costs = {each: [] for each in COMMANDS}
            rates = {each: [] for each in COMMANDS}
            timing = ["-r", 0.2, "-t", bench.seconds]
            for each in stats.alternating(COMMANDS, bench.repeats):
                result = load(servers[each], *shape.options(), *timing)
                costs[each].append(result["server_cpu_ns"])
                rates[each].append(result["per_s"])
        peers = {each: values for each, values in costs.items() if each != "ours"}
        medians = {each: stats.median(values) for each, values in rates.items()}
        yield ratio(name, "ns of CPU per message", costs["ours"], peers, "floor", "ours",
                    messages_per_s=medians)
