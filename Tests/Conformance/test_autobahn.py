"""Autobahn's cases against ws-echo, driven by kosoku."""

import json
import pathlib
import subprocess
import sys

import pytest

from servers import Program, free_port

SECTIONS = ["1", "2", "3", "4", "5", "6", "7", "9", "10"]
GOOD = {"OK", "INFORMATIONAL"}
# Sections 12 and 13 test compression. 12 by the kind of data, each kind in 18 sizes; 13 by what
# the client offers. The second run has contexts that last, with the offers that allow them.
COMPRESSED = {
    "12": (["--compression"], ["12.*"], 90),
    "13": (["--compression"], ["13.*"], 126),
    "contexts": (["--compression", "--compression-contexts", "1000"],
                 ["12.1.*", "13.1.*", "13.3.*", "13.7.*"], 72),
}


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


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("autobahn")
    return run_all(folder, [], "-x", "12.*", "-x", "13.*", seconds=170)


@pytest.mark.parametrize("section", SECTIONS)
def test_section(results, section):
    cases = {case: result for case, result in results.items() if case.split(".")[0] == section}
    assert cases
    assert bad(cases) == {}


def test_no_case_was_left_out(results):
    assert len(results) >= 301


@pytest.mark.timeout(700)
@pytest.mark.parametrize("options, sections, count", COMPRESSED.values(), ids=COMPRESSED)
def test_compression(tmp_path, options, sections, count):
    choice = [argument for section in sections for argument in ("-i", section)]
    results = run_all(tmp_path, options, *choice, seconds=500, tasks=3)
    assert bad(results) == {}
    assert len(results) == count
