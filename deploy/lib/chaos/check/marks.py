"""Marks: as far as anybody was told that they stand, they never fall; in the end all are told."""

import bisect
import collections
import itertools

NONE = 0, 0


def check(record):
    for each in record.histories:
        for connection in each.connections:
            yield from check_connection(record, each, connection)
    told = Told(record)
    yield from check_ready(record, told)
    yield from check_stored(record, told)
    yield from check_rest(record)


def check_connection(record, each, connection):
    """On one connection the marks of each reader rise, from where `ready` says that they stand."""
    marks = listed_marks(each, connection)
    for _, reader, now in receipts(each, connection):
        before = marks.get(reader, NONE)
        key, user = reader
        has_fallen = now[0] < before[0] or now[1] < before[1]
        if has_fallen and not record.members.has_left(user, key):
            yield "mark fell", f"{each}: {reader} from {before} to {now}"
        marks[reader] = higher(before, now)


def check_ready(record, told):
    """What anybody was told, or answered `ok`, is in every `ready` that was asked for later."""
    for each in record.histories:
        for connection in each.connections:
            for reader, now in listed_marks(each, connection).items():
                before = told.before(reader, connection.hello)
                if now[0] < before[0] or now[1] < before[1]:
                    yield "mark fell", (f"{each}: {reader} had {before}, connection "
                                        f"{connection.number} is told {now}")


def check_stored(record, told):
    """And it is in the database."""
    if record.marks is None:
        return
    for reader in told.readers():
        now, before = record.marks.get(reader, NONE), told.before(reader, float("inf"))
        if now[0] < before[0] or now[1] < before[1]:
            yield "mark fell", f"{reader} had {before}, stored is {now}"


def check_rest(record):
    """Whoever is connected when all is at rest has been told how far everybody is."""
    if record.marks is None or not any(event["e"] == "stopped" for event in record.events):
        return
    for each in record.histories:
        last = max((connection for connection in each.connections if connection.is_open),
                   key=lambda connection: connection.ready, default=None)
        if last is None:
            continue
        told = listed_marks(each, last)
        for _, reader, now in itertools.chain(receipts(each, last), own_reads(each)):
            told[reader] = higher(told.get(reader, NONE), now)
        for (key, user), stored in record.marks.items():
            stays = record.members.of(each.user, key)
            is_steady = not record.members.has_left(user, key)
            if stays and is_steady and told.get((key, user), NONE) != stored:
                yield "mark not told", (f"{each}: {user} in {key} at {told.get((key, user))}, "
                                        f"stored is {stored}")


def listed_marks(each, connection):
    """(conversation, reader) -> how far it has received and read, as `ready` lists it."""
    marks = {}
    for conv, listed in connection.listed.items():
        key = each.key(conv)
        marks[key, each.user] = pair(listed)
        if "peer" in listed:
            marks[key, conv.removeprefix("@")] = pair(listed["peer"])
    return marks


def receipts(each, connection):
    for time, frame in connection.frames:
        if frame["type"] == "receipt":
            yield time, (each.key(frame["conv"]), frame["user"].removeprefix("@")), pair(frame)


def own_reads(each):
    """What was answered with `ok`: what was read was received."""
    for time, conv, seq in each.reads:
        yield time, (each.key(conv), each.user), (seq, seq)


def pair(marks):
    return marks.get("recv") or 0, marks.get("read") or 0


def higher(one, other):
    return max(one[0], other[0]), max(one[1], other[1])


class Told:
    """How far each reader was said to be, by anybody, by time. Who leaves a room begins anew."""

    def __init__(self, record):
        said = collections.defaultdict(list)
        for each in record.histories:
            for time, reader, marks in own_reads(each):
                said[reader].append((time, marks))
            for connection in each.connections:
                for time, reader, marks in receipts(each, connection):
                    said[reader].append((time, marks))
                for reader, marks in listed_marks(each, connection).items():
                    said[reader].append((connection.ready, marks))
        self.times, self.marks = {}, {}
        for (key, user), pairs in said.items():
            if record.members.has_left(user, key):
                continue
            reader = key, user
            pairs.sort()
            self.times[reader] = [time for time, _ in pairs]
            self.marks[reader] = list(itertools.accumulate((marks for _, marks in pairs), higher))

    def readers(self):
        return self.times

    def before(self, reader, time):
        place = bisect.bisect_left(self.times.get(reader, ()), time)
        return self.marks[reader][place - 1] if place else NONE
