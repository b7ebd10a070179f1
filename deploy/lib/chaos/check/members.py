"""Who is in which conversation, by the entries of the final log; and frames of others'."""

import dataclasses

from chaos.check.windows import ALLOWED_SECONDS, without_faults

ROOM_KIND = 4
FOREVER = float("inf")


@dataclasses.dataclass
class Stay:
    """From the entry that a member came with to the one that ended it, which it still gets."""

    came: int
    left: float = FOREVER
    # When each was asked for, and when anybody first saw it: it was stored in between.
    begin: float = -FOREVER
    begin_seen: float = -FOREVER
    end_asked: float = FOREVER
    end: float = FOREVER


class Members:
    """The stays of each user in each room."""

    def __init__(self, histories, rows):
        self.stays, self.public = {}, set()
        asked = {(each.user, cid): write["t"] for each in histories
                 for cid, write in each.writes.items()}
        seen = first_seen(histories)
        for key, entries in rows.items():
            for entry in sorted(entries, key=lambda entry: entry.seq):
                if entry.kind == ROOM_KIND:
                    self.enter(key, entry, asked.get((entry.sender, entry.cid), -FOREVER),
                               seen.get((key, entry.seq), FOREVER))

    def enter(self, key, entry, asked, seen):
        users = [user.removeprefix("@") for user in entry.body.get("users", ())]
        action = entry.body["action"]
        if action == "create" and entry.body.get("public"):
            self.public.add(key)
        if action in ("create", "join"):
            users = [*users, entry.sender]
        if action in ("create", "join", "invite"):
            for user in users:
                self.stays.setdefault((key, user), []).append(
                    Stay(entry.seq, begin=asked, begin_seen=seen))
        for user in users if action == "kick" else [entry.sender] if action == "leave" else ():
            if stays := self.stays.get((key, user)):
                stays[-1].left, stays[-1].end_asked, stays[-1].end = entry.seq, asked, seen

    def of(self, user, key):
        if key.startswith("#"):
            return self.stays.get((key, user), [])
        return [Stay(1)] if user in key.split(":") else []

    def stay(self, user, key, seq):
        """The one in which a member may see an entry. Those of a public room may see all."""
        if key in self.public:
            return next(iter(self.of(user, key)), None)
        return next((stay for stay in self.of(user, key) if stay.came <= seq <= stay.left), None)

    def has_left(self, user, key):
        """Whether ever: marks begin anew then."""
        return any(stay.left < FOREVER for stay in self.of(user, key))

    def has_left_any(self, user):
        return any(self.has_left(user, key) for key, who in self.stays if who == user)

    def is_in(self, user, key, begin, end):
        """Whether beyond doubt, from a time to another."""
        return any(stay.begin_seen <= begin and end <= stay.end_asked
                   for stay in self.of(user, key))

    def may_be_in(self, user, key, time, windows):
        """Whether a frame at a time may be of a conversation of the user's: what was under way when
        a stay ended may still come, and behind a fault so may what it held up."""
        return any(stay.begin <= time and
                   time <= without_faults(stay.end, windows)[0] + ALLOWED_SECONDS
                   for stay in self.of(user, key))


def first_seen(histories):
    """(conversation, seq) of a room's own entries -> when anybody first saw it."""
    seen = {}
    for each in histories:
        for connection in each.connections:
            for time, frame in connection.frames:
                for item in frame["items"] if frame["type"] == "page" else [frame]:
                    if item.get("kind") == "room":
                        place = each.key(frame["conv"]), item["seq"]
                        seen[place] = min(time, seen.get(place, FOREVER))
    return seen


def check(record):
    """What is no message, and tells of a conversation."""
    for each in record.histories:
        for connection in each.connections:
            yield from check_listed(record, each, connection)
            for time, frame in connection.frames:
                if frame["type"] in ("receipt", "typing", "gap"):
                    key = each.key(frame["conv"])
                    if not record.members.may_be_in(each.user, key, time, record.windows):
                        yield "another's conversation", f"{each}: {frame['type']} of {key}"


def check_listed(record, each, connection):
    """`ready` is made of the database, which knows at once."""
    for conv in connection.listed:
        key = each.key(conv)
        if not any(stay.begin <= connection.ready and connection.hello <= stay.end
                   for stay in record.members.of(each.user, key)):
            yield "another's conversation", f"{each}: {key} in connection {connection.number}"
