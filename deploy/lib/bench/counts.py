"""What the kernel and the processor are asked for per echoed message, counted.

Each count is the difference of two run lengths, so starting, connecting and ending cancel out. A
traced server is slow, every turn of its loop therefore finds all connections ready, and the
counts hardly vary.
"""

import re
import signal

from bench import echo
from bench.figures import Figure, measures
from bench.programs import PEERS, Failed, run
from bench.stats import median

# The name, the shape, and the messages per connection of the short run and of the long one.
INSTRUCTIONS = [
    ("echo-instructions-w1", echo.Shape(50, 64, 1), (100, 500)),
    ("echo-instructions-w32", echo.Shape(50, 64, 32), (640, 3_200)),
    ("echo-instructions-16k", echo.Shape(50, 16_384, 1), (40, 200)),
]
SYSCALLS = [
    ("echo-syscalls-w1", echo.Shape(50, 64, 1), (100, 500)),
    ("echo-syscalls-w32", echo.Shape(50, 64, 32), (640, 3_200)),
]
REPEATS_MAX = 3


def per_message(count, name, shape, lengths):
    """`count(server, shape, messages)` for both lengths, and the slope between them."""
    short, long = lengths
    calls = count(name, shape, long) - count(name, shape, short)
    return calls / ((long - short) * shape.connections)


def load(server, shape, messages):
    run([PEERS / "ws-load", "-p", server.port, *shape.options(), "-m", messages])


def instructions(name, shape, messages, folder):
    """User instructions that a server needs in all. Valgrind's processor has no AVX-512."""
    out, stripped = folder / "callgrind.out", folder / "stripped"
    # Valgrind stumbles over the debug information that Swift writes.
    run(["strip", "--strip-debug", "-o", stripped, echo.PROGRAMS[name]])
    # The C library copies what is large with `rep movsb`, one instruction to a processor and one
    # per byte to valgrind. With vector registers it is a few hundred to both.
    wrapper = ["env", "GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1073741824",
               "valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]
    with echo.server(name, program=stripped, wrapper=wrapper, patience=60) as server:
        load(server, shape, messages)
        server.end(signal.SIGTERM)
    match = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)
    if not match:
        raise Failed(f"callgrind wrote no summary for {name}")
    return int(match[1])


def system_calls(name, shape, messages, folder):
    out = folder / "strace.out"
    wrapper = ["strace", "-f", "-c", "-o", out]
    with echo.server(name, wrapper=wrapper, patience=60) as server:
        load(server, shape, messages)
        server.end_inside()
    match = re.search(r"^\s*[\d.]+\s+[\d.]+\s+\d*\s+(\d+)\s+(?:\d+\s+)?total$", out.read_text(),
                      re.MULTILINE)
    if not match:
        raise Failed(f"strace wrote no total for {name}: {out.read_text()}")
    return int(match[1])


def counted(bench, count, unit, cases, beside):
    for name, shape, lengths in cases:
        if not bench.wants(name):
            continue
        def measure(server):
            return per_message(
                lambda *rest: count(*rest, bench.folder), server, shape, lengths)
        ours = [measure("ours") for _ in range(min(bench.repeats, REPEATS_MAX))]
        yield Figure(name, median(ours), unit, ours, {each: [measure(each)] for each in beside},
                     ours)


@measures(*(name for name, *_ in INSTRUCTIONS))
def instructions_per_message(bench):
    yield from counted(bench, instructions, "instructions per message", INSTRUCTIONS, ["nio"])


@measures(*(name for name, *_ in SYSCALLS))
def system_calls_per_message(bench):
    yield from counted(bench, system_calls, "system calls per message", SYSCALLS,
                       ["floor", "nio"])
