"""The scripts of deploy/ as an operator uses them."""

import subprocess

from servers import ROOT, Cluster


def pids(cluster):
    return {path.stem: path.read_text() for path in cluster.folder.glob("*.pid")}


def test_setup_is_quiet_when_nothing_is_missing():
    done = subprocess.run([ROOT / "deploy/setup"], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_up_again_changes_nothing(cluster):
    before = pids(cluster)
    cluster.run("up", "3")
    assert pids(cluster) == before


def test_a_second_cluster_runs_beside_the_first_and_goes_without_a_trace(cluster):
    before = pids(cluster)
    second = Cluster()
    processes = [line.split()[0] for line in pids(second).values()]
    assert len(processes) == 8
    second.run("up", "1")
    assert [node["id"] for node in second.status()["nodes"]] == ["server1"]
    second.end()
    assert not second.folder.exists()
    assert not [pid for pid in processes if is_alive(pid)]
    assert pids(cluster) == before


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "XZ"
    except FileNotFoundError:
        return False


def test_an_existing_cluster_keeps_its_ports(cluster):
    environment = {**cluster.environment, "CHAT_CLUSTER_PORT_BASE": "1"}
    shown = subprocess.run([ROOT / "deploy/cluster", "status", "--json"], text=True,
                           env=environment, capture_output=True, timeout=20)
    assert shown.stdout == cluster.run("status", "--json")
