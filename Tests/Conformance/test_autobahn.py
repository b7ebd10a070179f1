"""Autobahn's cases against ws-echo, driven by kosoku.

Sections 12 and 13 test compression, which is not there yet.
"""

import json
import pathlib
import subprocess
import sys

import pytest

from servers import Program, free_port

SECTIONS = ["1", "2", "3", "4", "5", "6", "7", "9", "10"]
GOOD = {"OK", "INFORMATIONAL"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Behaviour and closing behaviour by case."""
    port, folder = free_port(), tmp_path_factory.mktemp("autobahn")
    with Program("ws-echo", "--listen", f"127.0.0.1:{port}", "--event-loops", "1") as echo:
        echo.await_port(port)
        # The exit status forgives NON-STRICT, so the report decides.
        subprocess.run(
            [pathlib.Path(sys.executable).with_name("kosoku"), "-p", "8", "-x", "12.*",
             "-x", "13.*", "-o", folder, f"ws://127.0.0.1:{port}/"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=170)
        assert echo.is_alive()
    report, = json.loads((folder / "index.json").read_text()).values()
    return {case: (result["behavior"], result["behaviorClose"])
            for case, result in report.items()}


@pytest.mark.parametrize("section", SECTIONS)
def test_section(results, section):
    cases = {case: result for case, result in results.items() if case.split(".")[0] == section}
    assert cases
    assert {case: result for case, result in cases.items() if not set(result) <= GOOD} == {}


def test_no_case_was_left_out(results):
    assert len(results) >= 301
