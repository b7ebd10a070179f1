"""The checker of deploy/chaos: edits, deletions and reactions, and what they are of."""

import dataclasses

import pytest

from chaos.check.record import Stored
from chaos_story import COUNT, KEY, Story, body

REACT, EDIT, EDIT_AGAIN, DELETE, EDIT_LAST, END = range(COUNT + 1, COUNT + 7)
THUMB = {"emoji": "👍"}


class RevisedStory(Story):
    """bob reacts to ann's first message; she edits her second twice, deletes it, and edits her
    third. Each is shown at once to whoever did not write it; then bob asks for the history."""

    def __init__(self):
        super().__init__()
        self.entries = {
            REACT: Stored(REACT, "bob", "cid-6", 1006, THUMB, 3, reference=1),
            EDIT: self.edit(EDIT, 2), EDIT_AGAIN: self.edit(EDIT_AGAIN, 2),
            DELETE: Stored(DELETE, "ann", "cid-9", 1009, {}, 2, reference=2),
            EDIT_LAST: self.edit(EDIT_LAST, 3)}
        for row in self.entries.values():
            self.written(row)
        self.rows += self.entries.values()
        for seq in (2, EDIT, EDIT_AGAIN):
            self.store(seq, body=None, deleted_by=DELETE)
        self.store(2, edited_by=EDIT_AGAIN)
        self.store(3, edited_by=EDIT_LAST)
        self.page = [self.shown(self.row(seq)) for seq in range(1, END)]
        for seq in (2, EDIT, EDIT_AGAIN):
            self.page[seq - 1] |= {"body": {}, "deleted": DELETE}
        self.page[2] |= {"body": body(EDIT_LAST), "edited": EDIT_LAST}
        self.ask(END, self.page)

    def edit(self, seq, target):
        return Stored(seq, "ann", f"cid-{seq}", 1000 + seq, body(seq), 1, reference=target)

    def written(self, row):
        """It is written, sent, acked and shown, as a message is."""
        writer, reader, to, number = ((self.ann, self.bob, "@bob", 1) if row.sender == "ann"
                                      else (self.bob, self.ann, "@ann", 2))
        writer += [
            {"t": row.seq, "e": "write", "cid": row.cid, "to": to, "body": row.body,
             "kind": row.kind_name, "target": row.reference},
            {"t": row.seq, "e": "send", "c": number, "cid": row.cid, "id": f"{number}.{row.seq}"},
            self.frame(row.seq + 0.1, number, type="ack", conv=to, cid=row.cid, seq=row.seq,
                       ts=row.ts)]
        reader.append(self.frame(row.seq + 0.2, 3 - number, type="msg", conv=f"@{row.sender}",
                                 **self.shown(row)))

    def shown(self, row):
        more = {"kind": row.kind_name, "target": row.reference} if row.kind else {}
        return {"seq": row.seq, "from": f"@{row.sender}", "cid": row.cid, "ts": row.ts,
                "body": row.body, **more}

    def ask(self, time, items):
        self.bob += [{"t": time, "e": "ask", "c": 2, "id": f"2.{time}"},
                     self.frame(time + 0.1, 2, type="page", id=f"2.{time}", conv="@ann",
                                items=items, more=False)]

    def row(self, seq):
        return self.rows[seq - 1]

    def store(self, seq, **changes):
        self.rows[seq - 1] = dataclasses.replace(self.row(seq), **changes)


@pytest.fixture
def story():
    return RevisedStory()


def frame_of(events, seq):
    return next(event["frame"] for event in events
                if event.get("frame", {}).get("seq") == seq and event["frame"]["type"] == "msg")


def test_edits_deletions_and_reactions_are_entries_like_others(story):
    verdict = story.verdict()
    assert verdict.violations == {}
    assert (verdict.acked, verdict.checked) == (END - 1, 2 * (END - 1))


# What is stored.

def test_an_edit_that_is_stored_with_anothers_body(story):
    story.store(EDIT_LAST, body=body(EDIT))
    assert story.found() == {"altered"}


@pytest.mark.parametrize("changes", [{"reference": 1}, {"kind": 3}])
def test_an_entry_that_is_stored_as_another(story, changes):
    story.store(EDIT_LAST, **changes)
    assert story.found() >= {"altered"}


@pytest.mark.parametrize("seq", [2, EDIT, EDIT_AGAIN])
def test_a_deletion_that_leaves_a_body_in_the_database(story, seq):
    story.store(seq, body=body(seq))
    assert story.found() == {"still there"}


@pytest.mark.parametrize("seq, changes", [
    (2, {"deleted_by": None}), (EDIT, {"deleted_by": None}), (3, {"edited_by": None}),
    (2, {"edited_by": EDIT}), (4, {"edited_by": EDIT_LAST})])
def test_a_message_of_which_the_database_does_not_know_what_became(story, seq, changes):
    story.store(seq, **changes)
    assert story.found() == {"altered"}


def test_a_body_that_is_gone_without_a_deletion(story):
    story.store(1, body=None)
    assert story.found() == {"altered"}


def test_an_edit_that_is_stored_twice(story):
    story.rows.append(dataclasses.replace(story.row(EDIT_LAST), seq=END))
    story.store(3, edited_by=END)
    assert story.found() == {"stored twice", "never arrived"}


@pytest.mark.parametrize("sender, kind, target", [
    ("ann", 1, 2), ("bob", 3, 2), ("ann", 2, 2), ("bob", 1, 1), ("bob", 2, 1), ("bob", 3, EDIT),
    ("bob", 3, 99)])
def test_what_the_server_should_have_refused(story, sender, kind, target):
    """Of a message that was deleted, of another's, of no message."""
    row = Stored(END, sender, "late", 1000 + END, {}, kind, reference=target)
    story.written(row)
    story.rows.append(row)
    assert "no target" in story.found()


# What is shown.

def test_a_reaction_that_is_delivered_twice(story):
    again = {**frame_of(story.ann, REACT), "seq": END}
    story.ann.append(story.frame(20, 1, **again))
    assert story.found() == {"shown, not stored"}


def test_a_reaction_that_is_stored_and_delivered_twice(story):
    story.rows.append(dataclasses.replace(story.row(REACT), seq=END))
    story.ann.append(story.frame(20, 1, **{**frame_of(story.ann, REACT), "seq": END}))
    assert "stored twice" in story.found()


def test_a_reaction_that_comes_again_under_its_number(story):
    story.ann.append(story.frame(20, 1, **frame_of(story.ann, REACT)))
    assert story.found() == set()


def test_an_edit_that_is_skipped(story):
    story.bob = [event for event in story.bob
                 if event.get("frame", {}).get("cid") != f"cid-{EDIT}"]
    assert "silent hole" in story.found()


@pytest.mark.parametrize("changes", [
    {"target": 2}, {"kind": "react"}, {"body": body(EDIT)}, {"edited": EDIT}])
def test_an_edit_that_is_shown_as_another(story, changes):
    frame_of(story.bob, EDIT_LAST).update(changes)
    assert story.found() == {"altered"}


@pytest.mark.parametrize("changes", [
    {"body": body(EDIT_LAST), "edited": EDIT_LAST}, {"body": body(3)}])
def test_an_edited_message_is_shown_in_any_form_that_it_had(story, changes):
    frame_of(story.bob, 3).update(changes)
    assert story.found() == set()


@pytest.mark.parametrize("seq, changes", [
    (3, {"edited": EDIT_LAST}), (3, {"body": body(EDIT_LAST)}),
    (3, {"body": {}, "deleted": DELETE}), (3, {"body": body(EDIT), "edited": EDIT}),
    (2, {"deleted": DELETE}), (2, {"body": {}}), (1, {"body": {}, "deleted": DELETE})])
def test_a_form_that_a_message_never_had(story, seq, changes):
    frame_of(story.bob, seq).update(changes)
    assert story.found() == {"altered"}


@pytest.mark.parametrize("form", [{"body": body(2)}, {"body": body(EDIT), "edited": EDIT}])
def test_a_page_with_a_message_as_it_was_before_its_deletion(story, form):
    page = [dict(story.shown(story.row(2)), **form)]
    story.ask(END + 1, page)
    assert story.found() == {"stale form"}


def test_a_page_that_was_asked_for_before_the_ack_of_an_edit(story):
    story.ask(EDIT_LAST + 0.05, [story.shown(story.row(3))])
    assert story.found() == set()


# What is answered.

def test_a_send_that_is_repeated_after_its_message_was_deleted(story):
    story.ann += [{"t": 15, "e": "send", "c": 1, "cid": "cid-2", "id": "1.15"},
                  story.frame(15.1, 1, type="ack", conv="@bob", cid="cid-2", seq=2, ts=1002,
                              dup=True)]
    assert story.found() == set()


@pytest.mark.parametrize("time, target, code, violations", [
    (DELETE + 0.5, 2, "not_found", set()), (DELETE + 0.5, 1, "not_found", {"refused"}),
    (DELETE - 0.5, 2, "not_found", {"refused"}), (DELETE + 0.5, 2, "forbidden", {"refused"}),
    (DELETE + 0.5, 2, "conflict", {"refused"})])
def test_a_reaction_to_a_message_that_is_deleted_meanwhile(story, time, target, code, violations):
    story.bob += [
        {"t": time, "e": "write", "cid": "vain", "to": "@ann", "body": THUMB, "kind": "react",
         "target": target},
        {"t": time, "e": "send", "c": 2, "cid": "vain", "id": "2.50"},
        story.frame(time + 0.1, 2, type="error", id="2.50", code=code, message="no",
                    retryable=False)]
    assert story.found() == violations
