"""Echoes, handshakes and idle connections over TLS, beside the floor with the same OpenSSL.

The certificate has a P-256 key, the suite is TLS_AES_128_GCM_SHA256 and the group X25519 for all,
and no session is resumed.
"""

import contextlib
import subprocess

from bench import echo, stats
from bench.figures import count, measures, ratio
from bench.memory import ECHO_BURST, REST_SECONDS, side_by_side
from bench.programs import Failed

NAMES = ("ours", "floor")
SHAPES = {f"tls-{name}": echo.SHAPES[name]
          for name in ("echo-50x64-w1", "echo-50x64-w32", "echo-50x16k-w1")}
HANDSHAKES = 1_000
# A connection has 60 times the memory of a plain one.
CONNECTIONS = 2_000


def certificate(folder):
    """The paths of a certificate and its key, made once for each run."""
    paths = folder / "tls.pem", folder / "tls.key"
    if not paths[0].exists():
        made = subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=localhost", "-out",
             paths[0], "-keyout", paths[1]], stdin=subprocess.DEVNULL, capture_output=True,
            check=False)
        if made.returncode:
            raise Failed(f"openssl req: {made.stderr.decode(errors='replace')}")
    return paths


def servers(stack, bench, names=NAMES):
    return {name: stack.enter_context(echo.server(name, tls=certificate(bench.folder)))
            for name in names}


@measures(*SHAPES)
def tls_cpu_per_message(bench):
    for name, shape in SHAPES.items():
        if not bench.wants(name):
            continue
        with contextlib.ExitStack() as stack:
            all_servers = servers(stack, bench)
            all_servers["plain"] = stack.enter_context(echo.server("ours"))
            costs = {each: [] for each in all_servers}
            rates = {each: [] for each in all_servers}
            timing = ["-r", 0.2, "-t", bench.seconds]
            for each in stats.alternating(list(all_servers), bench.repeats):
                secure = [] if each == "plain" else ["-S"]
                result = echo.load(all_servers[each], *shape.options(), *timing, *secure)
                costs[each].append(result["server_cpu_ns"])
                rates[each].append(result["per_s"])
        ours = costs.pop("ours")
        yield ratio(name, "ns of CPU per message", ours, costs, "floor", "ours",
                    messages_per_s={each: stats.median(rate) for each, rate in rates.items()})


@measures("tls-handshake")
def tls_handshake(bench):
    """CPU of the server for all that a connection costs until it is a WebSocket."""
    with contextlib.ExitStack() as stack:
        all_servers = servers(stack, bench)
        costs = {each: [] for each in all_servers}
        for each in stats.alternating(list(all_servers), bench.repeats):
            server = all_servers[each]
            before = server.cpu_seconds()
            echo.load(server, "-S", "-n", HANDSHAKES, "-m", 1)
            costs[each].append((server.cpu_seconds() - before) / HANDSHAKES * 1e6)
    ours = costs.pop("ours")
    yield ratio("tls-handshake", "µs of CPU per connection", ours, costs, "floor", "ours")


@measures("memory-tls-idle", "memory-tls-burst")
def tls_memory(bench):
    def growth(name):
        with echo.server(name, tls=certificate(bench.folder)) as server:
            return echo.load(server, "-S", "-i", "-n", CONNECTIONS, *ECHO_BURST,
                             "-t", REST_SECONDS)
    certificate(bench.folder)
    grown = side_by_side(growth, NAMES)
    for figure, when in (("memory-tls-idle", "idle"), ("memory-tls-burst", "after_burst")):
        series = {name: [grown[name][when]["server_bytes"]] for name in NAMES}
        yield count(figure, "bytes per connection", series.pop("ours"), beside=series)
