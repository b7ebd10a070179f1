"""The echo path: CPU of the server per message, beside the least that a server can do."""

import contextlib
import dataclasses

from bench import stats
from bench.figures import measures, ratio
from bench.programs import OURS, PEERS, Server, free_port, run_json

PROGRAMS = {"ours": OURS / "ws-echo", "floor": PEERS / "c-echo", "nio": PEERS / "nio-echo"}


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


def server(name, program=None, tls=(), **options):
    """Starts an echo server: ours, the floor, or the one on SwiftNIO. `tls`: the paths of a
    certificate and its key."""
    port = free_port()
    arguments = ["--listen", f"127.0.0.1:{port}"] if name == "ours" else [port]
    if tls:
        certificate, key = tls
        arguments += ["--tls-cert", certificate, "--tls-key", key] if name == "ours" else tls
    return Server([program or PROGRAMS[name], *arguments], port, **options)


def load(target, *options):
    """Loads a running echo server; what ws-load says."""
    return run_json([PEERS / "ws-load", "-p", target.port, "-P", target.pid, *options])


@measures(*SHAPES)
def cpu_per_message(bench):
    for name, shape in SHAPES.items():
        if not bench.wants(name):
            continue
        with contextlib.ExitStack() as stack:
            servers = {each: stack.enter_context(server(each)) for each in PROGRAMS}
            costs = {each: [] for each in PROGRAMS}
            rates = {each: [] for each in PROGRAMS}
            timing = ["-r", 0.2, "-t", bench.seconds]
            for each in stats.alternating(PROGRAMS, bench.repeats):
                result = load(servers[each], *shape.options(), *timing)
                costs[each].append(result["server_cpu_ns"])
                rates[each].append(result["per_s"])
        peers = {each: values for each, values in costs.items() if each != "ours"}
        medians = {each: stats.median(values) for each, values in rates.items()}
        yield ratio(name, "ns of CPU per message", costs["ours"], peers, "floor", "ours",
                    messages_per_s=medians)
