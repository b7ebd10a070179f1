"""A short run of deploy/chaos: that it works, and that three of the faults do no harm."""

import os
import re
import subprocess

from servers import BUILD, ROOT

FAULTS = ("kill-receiver", "redis-flushall", "link-cut")


def chaos(*options):
    return subprocess.run(
        [ROOT / "deploy/chaos", *options], env={**os.environ, "CHAT_BUILD": str(BUILD)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=170)


def test_three_faults_do_no_harm():
    # In a debug build a turn may be long.
    done = chaos("--seed", "4", "--faults", str(len(FAULTS)), "--rate", "20", "--any-turn",
                 "--only", *FAULTS)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.endswith("PASS")
    for fault in FAULTS:
        assert f"{fault}=1" in last, done.stdout
    acked, checked = (int(re.search(rf"(\d+) {what}", last)[1])
                      for what in ("messages acked", "deliveries checked"))
    assert checked > acked > 100


def test_an_unknown_fault_is_refused():
    done = chaos("--only", "earthquake")
    assert done.returncode != 0
    assert "earthquake" in done.stderr


def test_it_names_its_faults():
    done = chaos("--list")
    assert done.returncode == 0
    assert {"full-disk", *FAULTS} <= set(done.stdout.split())
