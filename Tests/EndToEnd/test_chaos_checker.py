"""The checker of deploy/chaos finds each violation in histories made by hand, and no other."""

import pytest

from chaos.check.record import Stored
from chaos_story import COUNT, KEY, Story, body


@pytest.fixture
def story():
    return Story()


def test_a_run_in_which_all_is_well_passes(story):
    verdict = story.verdict()
    assert verdict.violations == {}
    assert (verdict.acked, verdict.checked) == (COUNT, 2 * COUNT)


# What is stored.

def test_an_acked_message_that_is_not_stored(story):
    story.rows.pop()
    assert story.found() == {"acked, not stored", "shown, not stored"}


def test_a_number_that_another_message_has(story):
    story.rows[-1] = Stored(COUNT, "ann", "another", 1000 + COUNT, body(COUNT))
    assert {"acked, not stored", "never sent"} <= story.found()


def test_a_client_id_that_is_stored_twice(story):
    story.rows.append(Stored(COUNT + 1, "ann", "cid-1", 2000, body(1)))
    assert story.found() == {"stored twice", "never arrived"}


def test_one_client_id_acked_under_two_numbers(story):
    story.ann.append(story.frame(9, 1, type="ack", conv="@bob", cid="cid-1", seq=2, ts=1002))
    assert "two numbers" in story.found()


def test_a_log_with_a_hole(story):
    del story.rows[1]
    assert "log numbers" in story.found()


def test_a_body_that_was_altered_on_its_way_to_the_database(story):
    story.rows[2] = Stored(3, "ann", "cid-3", 1003, {"text": "something else"})
    assert story.found() == {"altered"}


def test_a_message_that_is_stored_and_acked_in_another_conversation(story):
    """ann wrote it to carol; bob got it."""
    for event in story.ann:
        if event["e"] == "write" and event["cid"] == "cid-3":
            event["to"] = "@carol"
    assert story.found() == {"altered"}
    assert len(story.verdict().violations["altered"]) == 2


def test_a_send_that_was_refused_for_ever(story):
    story.ann.append(story.frame(9, 1, type="error", id="1.2", code="conflict", message="used",
                                 retryable=False))
    assert story.found() == {"refused"}


def test_a_send_that_may_be_tried_again_is_no_violation(story):
    story.ann.insert(4, story.frame(1.05, 1, type="error", id="1.1", code="unavailable",
                                    message="later", retryable=True))
    assert story.found() == set()


@pytest.mark.parametrize("code, is_retryable", [("internal", True), ("bad_request", False)])
def test_an_answer_that_nothing_deserves(story, code, is_retryable):
    """Whatever was asked: here it is no send."""
    story.ann.append(story.frame(9, 1, type="error", id="1.99", code=code, message="what?",
                                 retryable=is_retryable))
    assert story.found() == {"refused"}


# What is shown.

def test_a_body_that_was_altered_on_its_way_to_a_reader(story):
    story.bob[story.place(2)] = story.message(2, body={"text": "something else"})
    assert story.found() == {"altered"}


def test_another_sender_than_the_one_stored(story):
    story.bob[story.place(2)] = story.message(2, **{"from": "@bob"})
    assert story.found() == {"altered"}


def test_a_message_of_a_conversation_that_one_is_not_in(story):
    """It can only be seen by name: what bob calls `@ann` is by definition his."""
    story.bob.append(story.message(1, time=8, conv="#room"))
    assert "another's conversation" in story.found()


def test_a_message_that_never_comes(story):
    del story.bob[story.place(COUNT)]
    assert story.found() == {"never arrived", "late"}


def test_a_message_that_is_skipped_without_a_word(story):
    del story.bob[story.place(3)]
    assert "silent hole" in story.found()


def test_messages_in_another_order(story):
    two, three = story.place(2), story.place(3)
    story.bob[two], story.bob[three] = story.bob[three], story.bob[two]
    assert story.found() == {"silent hole"}


def test_a_gap_that_is_told_and_fetched_is_no_violation(story):
    missing = story.bob[story.place(3)]["frame"]
    story.bob[story.place(3)] = story.frame(3.2, 2, type="gap", conv="@ann", after=2, before=4)
    item = {key: missing[key] for key in ("seq", "from", "cid", "ts", "body")}
    story.bob.append(story.frame(5.3, 2, type="page", conv="@ann", items=[item], more=False))
    assert story.found() == set()


def test_a_gap_that_hides_another_hole(story):
    story.bob[story.place(3)] = story.frame(3.2, 2, type="gap", conv="@ann", after=3, before=4)
    assert "silent hole" in story.found()


def test_a_page_out_of_order(story):
    items = [story.message(seq)["frame"] for seq in (2, 1)]
    story.bob.append(story.frame(9, 2, type="page", conv="@ann", items=items, more=False))
    assert story.found() == {"order"}


def test_a_message_that_comes_twice_is_dropped_by_its_number(story):
    story.bob.append(story.message(2, time=9))
    assert story.found() == set()


def test_a_resumption_that_skips_one(story):
    """The device holds two messages and comes back; it gets the fourth next."""
    moved = story.bob[story.place(4):]
    story.bob = story.bob[:story.place(3)] + [{"t": 2.5, "e": "end", "c": 2}]
    story.bob += story.opened("@ann", 3, time=2.6, held=2, head=2)
    story.bob += [{**event, "c": 3} for event in moved]
    item = {key: value for key, value in story.message(3)["frame"].items() if key != "type"}
    story.bob.append(story.frame(6, 3, type="page", conv="@ann", items=[item], more=False))
    assert story.found() == {"silent hole"}


def test_ones_own_messages_may_be_acked_behind_the_next_message(story):
    """ann's own fourth is under way when bob's fifth comes."""
    story.rows[4] = Stored(5, "bob", "bob-5", 1005, body(5))
    story.ann = [event for event in story.ann if event.get("cid") != "cid-5"
                 and event.get("frame", {}).get("seq") != 5]
    ack = story.ann.pop()
    assert ack["frame"]["seq"] == 4
    story.ann += [story.frame(4.1, 1, type="msg", conv="@bob", seq=5, ts=1005, cid="bob-5",
                              body=body(5), **{"from": "@bob"}), {**ack, "t": 4.2}]
    story.bob[story.place(5)] = story.message(5, cid="bob-5", **{"from": "@bob"})
    story.bob.append({"t": 4.0, "e": "write", "cid": "bob-5", "to": "@ann", "body": body(5)})
    assert story.found() == set()


def test_a_head_that_is_behind_what_was_acked(story):
    story.bob += story.opened("@ann", 3, time=20, held=COUNT, head=COUNT - 1)
    assert story.found() == {"stale head"}


def test_a_head_that_is_just_what_was_acked(story):
    story.bob += story.opened("@ann", 3, time=20, held=COUNT, head=COUNT)
    assert story.found() == set()


@pytest.mark.parametrize("code, violations", [(4000, {"closed"}), (1011, {"closed"}),
                                              (4103, {"closed"}), (4200, set()),
                                              (1006, set())])
def test_a_connection_that_was_closed(story, code, violations):
    story.ann.append({"t": 40, "e": "end", "c": 1, "code": code})
    assert story.found() == violations


# Read marks.

def test_a_receipt_that_falls(story):
    story.bob.append(story.frame(31, 2, type="receipt", conv="@ann", user="@ann", recv=3, read=1))
    assert story.found() == {"mark fell"}


def test_an_own_mark_that_is_lost(story):
    story.bob.append({"t": 31, "e": "read", "conv": "@ann", "seq": 4})
    story.bob += story.opened("@ann", 3, time=32, held=COUNT, head=COUNT, read=3)
    assert story.found() == {"mark fell"}


def read_story(story):
    """bob has read all; ann, who looks on, and the database know it."""
    story.bob.append({"t": 31, "e": "read", "conv": "@ann", "seq": COUNT})
    story.ann.append(story.frame(31.1, 1, type="receipt", conv="@bob", user="@bob", recv=COUNT,
                                 read=COUNT))
    story.marks = {(KEY, "bob"): (COUNT, COUNT), (KEY, "ann"): (3, 2)}
    # As bob was told before; ann's own devices are one.
    story.ann.append({"t": 31.2, "e": "read", "conv": "@bob", "seq": 2})
    story.ann.append(story.frame(31.3, 1, type="receipt", conv="@bob", user="@ann", recv=3, read=2))
    story.events.append({"t": 34, "e": "stopped"})
    return story


def test_marks_that_are_all_told_and_stored(story):
    assert read_story(story).found() == set()


def test_a_peers_mark_that_is_lower_in_the_next_ready(story):
    read_story(story).ann += story.opened("@bob", 3, time=40, held=COUNT, head=COUNT, read=2,
                                          recv=3, peer={"recv": 0, "read": 0})
    assert "mark fell" in story.found()


def test_a_receipt_that_is_below_what_ready_said(story):
    story.ann += story.opened("@bob", 3, time=40, held=COUNT, head=COUNT, read=2, recv=3,
                              peer={"recv": 4, "read": 4})
    story.ann.append(story.frame(41, 3, type="receipt", conv="@bob", user="@bob", recv=4, read=3))
    assert story.found() == {"mark fell"}


def test_a_mark_that_is_not_stored(story):
    read_story(story).marks[KEY, "bob"] = COUNT, COUNT - 1
    assert story.found() == {"mark fell", "mark not told"}


def test_receipts_that_nobody_gets(story):
    read_story(story).ann = [event for event in story.ann
                             if event.get("frame", {}).get("user") != "@bob"]
    assert story.found() == {"mark not told"}


def test_who_is_away_in_the_end_need_not_be_told(story):
    read_story(story).ann.append({"t": 33, "e": "end", "c": 1})
    story.marks[KEY, "bob"] = COUNT + 1, COUNT + 1
    story.bob.append({"t": 33, "e": "read", "conv": "@ann", "seq": COUNT + 1})
    assert story.found() == set()


# Presence.

def told_of(story, user, state, time):
    story.bob.append(story.frame(time, 2, type="ok", id="2.9",
                                 users=[{"user": f"@{user}", "state": state}]))


def test_who_is_connected_and_told_to_be_away(story):
    told_of(story, "ann", "offline", 31)
    assert story.found() == {"presence"}


@pytest.mark.parametrize("end, violations", [(20, {"presence"}), (28, set())])
def test_who_has_gone_and_is_told_to_be_there(story, end, violations):
    story.ann.append({"t": end, "e": "end", "c": 1})
    told_of(story, "ann", "online", 31)
    assert story.found() == violations


def test_who_is_told_to_be_as_they_are(story):
    told_of(story, "ann", "online", 31)
    story.ann.append({"t": 32, "e": "end", "c": 1})
    told_of(story, "ann", "offline", 41)
    assert story.found() == set()


def test_presence_just_behind_a_fault(story):
    told_of(story, "ann", "offline", 31)
    story.fault(25, 30)
    assert story.found() == set()
