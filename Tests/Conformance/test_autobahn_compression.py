"""Autobahn's cases of compression against ws-echo: minutes of them, so they are a section of their own
in deploy/test."""

import pytest

from autobahn import bad, run_all

# Sections 12 and 13 test compression. 12 by the kind of data, each kind in 18 sizes; 13 by what
# the client offers. The second run has contexts that last, with the offers that allow them.
COMPRESSED = {
    "12": (["--compression"], ["12.*"], 90),
    "13": (["--compression"], ["13.*"], 126),
    "contexts": (["--compression", "--compression-contexts", "1000"],
                 ["12.1.*", "13.1.*", "13.3.*", "13.7.*"], 72),
}


@pytest.mark.timeout(700)
@pytest.mark.parametrize("options, sections, count", COMPRESSED.values(), ids=COMPRESSED)
def test_compression(tmp_path, options, sections, count):
    choice = [argument for section in sections for argument in ("-i", section)]
    results = run_all(tmp_path, options, *choice, seconds=500, tasks=3)
    assert bad(results) == {}
    assert len(results) == count
