"""The checker of deploy/chaos: what the nodes and servers show."""

import types

import pytest

from chaos import report
from chaos.monitor import loop_waits
from chaos_story import Story


@pytest.fixture
def story():
    return Story()


def sample(time, **changes):
    return {"t": time, "e": "sample", "node": "server1", "turn": 0.01, "starved": 0.0,
            "is_excused": False, "connections": 10, "descriptors": 40, "memory": 20 << 20,
            "queued": 3, **changes}


def test_a_long_turn(story):
    story.samples = [sample(1), sample(2, turn=0.15)]
    assert story.found() == {"long turn"}


@pytest.mark.parametrize("excuse", [{"starved": 0.1}, {"is_excused": True}])
def test_a_turn_that_is_not_the_nodes_own_fault(story, excuse):
    story.samples = [sample(1), sample(2, turn=0.15, **excuse)]
    assert story.found() == set()


@pytest.mark.parametrize("what, changes", [
    ("descriptors", {"descriptors": 70}), ("memory", {"memory": 200 << 20}),
    ("queues", {"queued": 5000})])
def test_what_a_fault_leaves_behind(story, what, changes):
    story.samples = [sample(1), sample(2), sample(9, **changes)]
    story.fault(3, 8)
    story.events.append({"t": 10, "e": "settled", "fault": "some-fault"})
    assert story.found() == {what}


def test_descriptors_of_clients_that_moved_here_are_no_leak(story):
    story.samples = [sample(1), sample(9, descriptors=70, connections=40)]
    story.fault(3, 8)
    story.events.append({"t": 10, "e": "settled", "fault": "some-fault"})
    assert story.found() == set()


@pytest.mark.parametrize("count, violations", [(3, set()), (5000, {"queues"})])
def test_what_waits_in_the_broker_behind_a_fault(story, count, violations):
    story.events.append({"t": 9, "e": "queues", "queues": {"chat.queue.server1": count}})
    assert story.found() == violations


def test_only_what_a_loop_waited_for_a_processor_excuses_its_turns(tmp_path):
    for number, (name, seconds) in enumerate([("chat-server", 5), ("loop-0", 2), ("sqlite", 4)]):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")
        (tmp_path / str(number) / "schedstat").write_text(f"1000 {seconds}000000000 7\n")
    assert loop_waits(tmp_path) == {"1": 2.0}


def test_messages_that_the_broker_let_fall(story):
    story.samples = [sample(1)]
    story.fault(3, 8)
    story.events.append({"t": 9, "e": "unroutable", "count": 3})
    assert story.found() == {"dropped by the broker"}


def test_what_still_waits_at_the_end(story):
    story.final = {"messages in queues": 2, "server1 pending bytes": 0}
    assert story.found() == {"left over"}


@pytest.mark.parametrize("is_node, violations", [(True, {"did not stop"}), (False, set())])
def test_a_node_that_had_to_be_killed_when_it_should_stop(story, is_node, violations):
    story.events.append({"t": 9, "e": "hung", "server": "server2", "is_node": is_node})
    assert story.found() == violations


def run_of(**faults):
    faults = {"names": (), "injected": {}, "missed": {}, "unsettled": [], "fallen": [], **faults}
    return types.SimpleNamespace(conductor=types.SimpleNamespace(**faults))


@pytest.mark.parametrize("injected, missed, is_clean", [
    ({"one": 1}, {}, True), ({"one": 1}, {"one": 2}, True), ({"one": 1}, {"two": 1}, False),
    ({}, {"one": 1}, False), ({}, {}, False)])
def test_a_run_without_its_faults_shows_nothing(story, injected, missed, is_clean):
    run = run_of(injected=injected, missed=missed)
    found = report.lacking(run, is_whole=False)
    assert report.is_clean(run, story.verdict(), found) == is_clean


@pytest.mark.parametrize("is_whole, injected, count", [
    (True, ("one", "two"), 0), (True, ("one",), 1), (False, ("one",), 0), (True, (), 3)])
def test_a_whole_run_has_every_kind_of_fault(is_whole, injected, count):
    run = run_of(names=["one", "two"], injected=dict.fromkeys(injected, 1))
    assert len(report.lacking(run, is_whole)) == count
    assert report.kinds(run, None) == f"{len(injected)} of 2"
    assert report.kinds(run, types.SimpleNamespace(count=3)) == f"{len(injected) + 1} of 3"


@pytest.mark.parametrize("found, seconds, is_caught", [
    ({"late": ["x"]}, 300, True), ({"late": ["x"]}, 301, False), ({}, 300, False)])
def test_a_mutant_is_to_be_found_in_time(found, seconds, is_caught):
    run = run_of()
    run.cluster = types.SimpleNamespace(folder="folder")
    assert report.told_of_mutant(run, "plain-del", found, seconds, 300) == is_caught
