"""The checker of deploy/chaos: what the nodes and servers show."""

import pytest

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


def test_messages_that_the_broker_let_fall(story):
    story.samples = [sample(1)]
    story.fault(3, 8)
    story.events.append({"t": 9, "e": "unroutable", "count": 3})
    assert story.found() == {"dropped by the broker"}


def test_what_still_waits_at_the_end(story):
    story.final = {"messages in queues": 2, "server1 pending bytes": 0}
    assert story.found() == {"left over"}
