"""Autobahn's cases against ws-echo, all but those of compression."""

import pytest

from autobahn import bad, run_all

SECTIONS = ["1", "2", "3", "4", "5", "6", "7", "9", "10"]


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
