"""The checker of deploy/chaos: when messages and acks come."""

import pytest

from chaos_story import COUNT, KEY, Story


@pytest.fixture
def story():
    return Story()


def late_story(story):
    """bob, connected all the time, gets the last message twelve seconds late."""
    story.bob[story.place(COUNT)] = story.message(COUNT, time=COUNT + 12)
    return story


def test_a_message_that_comes_late(story):
    assert late_story(story).found() == {"late"}


def test_a_message_that_a_fault_held_up_is_not_late(story):
    late_story(story).fault(COUNT - 1, COUNT + 10)
    verdict = story.verdict(quiet=[KEY])
    assert verdict.violations == {}
    recovery = verdict.recoveries["some-fault"]
    assert (recovery.count, recovery.worst) == (1, pytest.approx(2))
    assert recovery.worst_quiet == pytest.approx(2)


def test_a_message_that_comes_too_long_after_a_fault(story):
    late_story(story).fault(COUNT - 1, COUNT + 6)
    assert story.found() == {"late"}


def test_who_was_away_gets_it_late_without_fault(story):
    story.bob = story.bob[:story.place(COUNT)] + [{"t": 4.5, "e": "end", "c": 2}]
    story.bob += story.opened("@ann", 3, time=20, held=4, head=COUNT)
    story.bob += [story.message(COUNT, time=20.2, number=3), story.frame(30, 3, type="pong")]
    assert story.found() == set()


def test_who_came_back_and_gets_it_with_the_next_connection_only(story):
    """That one resumes is no excuse for the connection before."""
    story.bob = story.bob[:story.place(COUNT)] + [{"t": 15, "e": "end", "c": 2}]
    story.bob += story.opened("@ann", 3, time=15.2, held=4, head=COUNT)
    story.bob += [story.message(COUNT, time=15.4, number=3)]
    assert story.found() == {"late"}


def test_a_fault_that_was_not_injected_is_not_counted(story):
    story.missed_fault(1, 2)
    assert story.verdict().recoveries == {}


def test_a_fault_that_was_not_injected_is_no_excuse(story):
    late_story(story).missed_fault(COUNT - 1, COUNT + 10)
    assert story.found() == {"late"}


@pytest.mark.parametrize("event", [{"e": "disturbed", "how": "the server is killed"},
                                   {"e": "injected", "evidence": "it broke"}])
def test_a_fault_that_does_not_count_and_was_felt(story, event):
    late_story(story).missed_fault(COUNT - 1, COUNT + 10, {"t": COUNT, **event})
    assert story.found() == set()


def ack_of(story, seq):
    """Where ann's ack of a message is."""
    return next(place for place, event in enumerate(story.ann)
                if event.get("frame", {}).get("seq") == seq)


def late_ack_story(story):
    """ann waits twelve seconds for the last ack, on a connection that stays open."""
    story.ann[ack_of(story, COUNT)]["t"] = COUNT + 12
    return story


def test_an_ack_that_comes_late(story):
    assert late_ack_story(story).found() == {"ack late"}


def test_an_ack_that_never_comes(story):
    del story.ann[ack_of(story, COUNT)]
    assert story.found() == {"ack late", "never arrived"}


def test_a_send_that_is_told_to_try_again_for_too_long(story):
    late_ack_story(story)
    story.ann += [story.frame(COUNT + wait, 1, type="error", id=f"1.{COUNT}", code="unavailable",
                              message="later", retryable=True) for wait in range(1, 12)]
    assert story.found() == {"ack late"}


def test_an_ack_that_is_late_on_a_connection_that_ended(story):
    del story.ann[ack_of(story, COUNT)]
    story.ann += [{"t": COUNT + 1, "e": "end", "c": 1}, 
                  *story.opened("@bob", 3, time=20, held=4, head=4),
                  {"t": 20, "e": "send", "c": 3, "cid": f"cid-{COUNT}", "id": "3.1"},
                  story.frame(20.2, 3, type="ack", conv="@bob", cid=f"cid-{COUNT}", seq=COUNT,
                              ts=1000 + COUNT)]
    assert story.found() == set()


@pytest.mark.parametrize("server, end, violations", [
    (None, COUNT + 10, set()), ("postgres", COUNT + 10, set()), (None, COUNT + 6, {"ack late"}),
    ("rabbitmq", COUNT + 10, {"ack late"}), ("redis", COUNT + 10, {"ack late"})])
def test_an_ack_that_a_fault_held_up(story, server, end, violations):
    """What is beside the database holds up none."""
    late_ack_story(story).fault(COUNT - 1, end, server)
    assert story.found() == violations
