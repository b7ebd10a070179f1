"""The checker of deploy/chaos: nothing comes from a conversation that one is not in."""

import pytest

from chaos.check.record import Stored
from chaos_story import KEY, Story

ROOM = "#room"


class RoomStory(Story):
    """ann makes a private room with bob, takes him out and invites him again; she writes to it
    before, in between and behind. All of it is shown to bob at once, but for what is not his."""

    def __init__(self):
        super().__init__()
        bodies = [{"action": "create", "public": False, "users": ["@bob"]}, {"text": "one"},
                  {"action": "kick", "users": ["@bob"]}, {"text": "not for bob"},
                  {"action": "invite", "users": ["@bob"]}, {"text": "two"}]
        self.room = [
            Stored(seq, "ann", f"room-{seq}", 1000 + seq, body, 4 if "action" in body else 0)
            for seq, body in enumerate(bodies, start=1)]
        for row in self.room:
            # Ten seconds apart.
            time = 10 * row.seq
            self.ann += [{"t": time, "e": "write", "cid": row.cid, "to": ROOM,
                          "body": None if row.kind else row.body},
                         self.shown(row, time + 0.1, 1)]
            if row.seq != 4:
                self.bob.append(self.shown(row, time + 0.2, 2))

    def shown(self, row, time, number):
        kind = {"kind": "room"} if row.kind else {}
        return self.frame(time, number, type="msg", conv=ROOM, seq=row.seq, cid=row.cid, ts=row.ts,
                          body=row.body, **{"from": "@ann"}, **kind)

    def rows_by_key(self):
        return {KEY: self.rows, ROOM: self.room}


@pytest.fixture
def story():
    return RoomStory()


def test_a_member_who_is_taken_out_and_comes_again(story):
    assert story.found() == set()


def test_an_entry_from_between_two_stays(story):
    story.bob.append(story.shown(story.room[3], 70, 2))
    assert story.found() == {"another's conversation"}


def test_a_page_with_an_entry_from_between_two_stays(story):
    item = story.shown(story.room[3], 70, 2)["frame"]
    story.bob.append(story.frame(70, 2, type="page", conv=ROOM, items=[item], more=False))
    assert story.found() == {"another's conversation"}


def test_an_entry_of_ones_stay_that_is_skipped(story):
    story.bob = [event for event in story.bob if event.get("frame", {}).get("cid") != "room-2"]
    assert story.found() == {"silent hole"}


def test_an_entry_that_never_comes_to_who_is_in_again(story):
    story.bob.pop()
    assert story.found() == {"never arrived"}


@pytest.mark.parametrize("frame", [
    {"type": "receipt", "user": "@ann", "recv": 4, "read": 4}, {"type": "typing", "user": "@ann"},
    {"type": "gap", "after": 3, "before": 5}])
@pytest.mark.parametrize("conv, time, violations", [
    (ROOM, 45, {"another's conversation"}), (ROOM, 31, set()), (ROOM, 51, set()),
    ("#other", 15, {"another's conversation"})])
def test_what_tells_of_a_room(story, frame, conv, time, violations):
    story.bob.append(story.frame(time, 2, conv=conv, **frame))
    assert story.found() == violations


@pytest.mark.parametrize("time, violations", [(45, {"another's conversation"}), (55, set())])
def test_a_ready_that_lists_a_room(story, time, violations):
    story.bob += story.opened(ROOM, 3, time=time, held=6, head=6)
    assert story.found() == violations


def test_a_stranger_who_writes_to_a_room(story):
    story.room[3] = Stored(4, "bob", "room-4", 1004, {"text": "not for bob"})
    assert "stranger stored" in story.found()


@pytest.mark.parametrize("who, reason, violations", [
    ("bob", "a membership has ended", set()), ("ann", "a membership has ended", {"closed"}),
    ("bob", "something else", {"closed"})])
def test_a_close_for_a_membership_that_has_ended(story, who, reason, violations):
    number = {"ann": 1, "bob": 2}[who]
    getattr(story, who).append({"t": 80, "e": "end", "c": number, "code": 4103, "reason": reason})
    assert story.found() == violations


@pytest.mark.parametrize("hello, ready", [(30.05, 30.07), (50.05, 50.07)])
def test_a_ready_beside_the_end_or_begin_of_a_stay(story, hello, ready):
    """The change was asked for, and nobody has seen it yet: it may be stored or not."""
    story.bob += [{"t": hello, "e": "hello", "c": 3, "resume": {ROOM: 6}},
                  story.frame(ready, 3, type="ready", conversations=[])]
    story.ann.insert(0, story.frame(5, 1, type="ack", conv=ROOM, cid="room-2", seq=2, ts=1002))
    assert "stale head" not in story.found()


def test_a_ready_that_lacks_a_room_in_the_middle_of_a_stay(story):
    story.bob += [{"t": 25, "e": "hello", "c": 3, "resume": {ROOM: 6}},
                  story.frame(25.1, 3, type="ready", conversations=[])]
    story.ann.insert(0, story.frame(20.1, 1, type="ack", conv=ROOM, cid="room-2", seq=2, ts=1002))
    assert story.found() == {"stale head"}


@pytest.mark.parametrize("is_public, violations", [(False, {"another's conversation"}),
                                                   (True, set())])
def test_what_came_between_two_stays_is_for_members_of_a_public_room(story, is_public, violations):
    create = story.room[0].body
    create["public"] = is_public
    invited = next(place for place, event in enumerate(story.bob)
                   if event.get("frame", {}).get("cid") == "room-5")
    story.bob.insert(invited, story.shown(story.room[3], 50.15, 2))
    assert story.found() == violations


@pytest.mark.parametrize("user, violations", [("bob", set()), ("ann", {"mark fell"})])
def test_marks_begin_anew_for_who_was_taken_out(story, user, violations):
    story.ann += [
        story.frame(time, 1, type="receipt", conv=ROOM, user=f"@{user}", recv=seq, read=seq)
        for time, seq in ((25, 2), (65, 0))]
    story.marks = {(ROOM, user): (0, 0), (KEY, "ann"): (3, 2)}
    assert story.found() == violations
