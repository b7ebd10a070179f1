"""Runs Autobahn's cases against ws-echo, driven by kosoku."""

import json
import pathlib
import subprocess
import sys

from servers import Program, free_port

GOOD = {"OK", "INFORMATIONAL"}


def run(folder, options, *choice, seconds, tasks=8):
    """Behaviour and closing behaviour by case."""
    port = free_port()
    with Program("ws-echo", "--listen", f"127.0.0.1:{port}", "--event-loops", "1",
                 *options) as echo:
        echo.await_port(port)
        # The exit status forgives NON-STRICT, so the report decides.
        subprocess.run(
            [pathlib.Path(sys.executable).with_name("kosoku"), "-p", str(tasks), *choice,
             "-o", folder, f"ws://127.0.0.1:{port}/"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
        assert echo.is_alive()
    report, = json.loads((folder / "index.json").read_text()).values()
    return {case: (result["behavior"], result["behaviorClose"])
            for case, result in report.items()}


def run_all(folder, options, *choice, seconds, tasks=8):
    """As `run`; cases that were not good are run again, alone: some have limits of time in the
    suite, which beside other cases run out on a slow machine."""
    results = run(folder / "all", options, *choice, seconds=seconds, tasks=tasks)
    if again := bad(results):
        print("once more, alone:", again)
        choice = [argument for case in again for argument in ("-i", case)]
        results |= run(folder / "again", options, *choice, seconds=seconds, tasks=1)
    return results


def bad(results):
    return {case: result for case, result in results.items() if not set(result) <= GOOD}
