"""The order of things: choose, measure, show, judge."""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time

from bench import figures, kept, plots, report
from bench.cluster import Cluster
from bench.programs import DESCRIPTORS_MIN, ROOT, Failed

# Imported for what they register, in the order in which it is measured.
from bench import echo, counts, memory, tls, embedded, two_nodes, sessions  # noqa: F401
from bench import attack, rooms, outages  # noqa: F401

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
PERFORMANCE = ROOT / "docs/performance.md"


@dataclasses.dataclass
class Bench:
    """What every measurement needs to know."""

    repeats: int
    seconds: float
    folder: pathlib.Path
    wanted: list
    stack: contextlib.ExitStack
    _cluster: Cluster | None = None

    def cluster(self):
        """Two nodes with servers of their own, shared by what is measured there."""
        if self._cluster is None:
            self._cluster = Cluster()
            self.stack.callback(self._cluster.end)
        return self._cluster

    def wants(self, name):
        return figures.is_wanted(name, self.wanted)


def arguments():
    parser = argparse.ArgumentParser(
        prog="deploy/bench", description="Measures the server beside its floors and peers.",
        epilog="Exits with 1 when a figure is worse than docs/performance.md keeps.")
    parser.add_argument("--quick", action="store_true", help="three short repeats of each")
    parser.add_argument("--repeats", type=int, help="how often each is measured (5)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (2)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME",
                        help="these figures, or those that begin with these words")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="everything measured")
    parser.add_argument("--keep", action="store_true",
                        help="keep what is measured now, in docs/performance.md")
    parser.add_argument("--plots", nargs="*", metavar="NAME",
                        help="draw docs/performance/*.svg instead; names: load memory cpu")
    parser.add_argument("--list", action="store_true", help="the names of the figures")
    return parser.parse_args()


def machine():
    """What the figures were measured on."""
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="ascii")
                  if line.startswith("model name")), platform.machine())
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release()}


def revision():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def measure(bench, functions):
    """Figures and failures, told as they come."""
    measured, failures = [], []
    for function in functions:
        started = time.monotonic()
        try:
            for figure in function(bench):
                if bench.wants(figure.name):
                    measured.append(figure)
                    print(f"{figure.name}: {report.text(figure.value)}", file=sys.stderr)
        except (Failed, subprocess.TimeoutExpired) as failure:
            failures.append(f"{', '.join(function.names)}: {failure}")
            print(f"FAILED {failures[-1]}", file=sys.stderr)
        took = time.monotonic() - started
        print(f"{function.__name__} took {took:.0f} s", file=sys.stderr)
    return measured, failures


def judge(measured, table):
    """Prints the table; the names of the figures that have become worse."""
    rows = [report.row(figure, table.get(figure.name)) for figure in measured]
    print(report.table(rows))
    return [figure.name for figure in measured
            if (entry := table.get(figure.name)) and entry.is_regression(figure.value)]


def interrupted(number, _):
    """Ends what was started, once: a second signal must not cut that short."""
    for each in INTERRUPTS:
        signal.signal(each, lambda *_: None)
    sys.exit(128 + number)


def main():
    options = arguments()
    functions, unknown = figures.chosen(options.only)
    if unknown:
        sys.exit(f"deploy/bench: no figure {', '.join(unknown)}; see --list")
    if options.list:
        print("\n".join(figures.REGISTRY))
        return 0
    for number in INTERRUPTS:
        signal.signal(number, interrupted)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < DESCRIPTORS_MIN:
        sys.exit(f"deploy/bench: needs {DESCRIPTORS_MIN} descriptors per process, not {hard}")

    table = kept.parse(PERFORMANCE.read_text(encoding="utf-8"))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="chat-bench-"))
        bench = Bench(options.repeats or (3 if options.quick else 5),
                      options.seconds or (1 if options.quick else 2),
                      pathlib.Path(folder), options.only, stack)
        if options.plots is not None:
            plots.draw(bench, options.plots)
            return 0
        measured, failures = measure(bench, functions)
    worse = judge(measured, table)
    if options.keep:
        text = kept.updated(PERFORMANCE.read_text(encoding="utf-8"),
                            {figure.name: report.cells(figure) for figure in measured})
        PERFORMANCE.write_text(text, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(
            {"revision": revision(), "machine": machine(), "worse": worse, "failures": failures,
             "figures": [figure.json() for figure in measured]}, indent=1) + "\n",
            encoding="utf-8")
    for problem in failures:
        print(f"FAILED {problem}")
    return 1 if worse or failures else 0


if __name__ == "__main__":
    sys.exit(main())
