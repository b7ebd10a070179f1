"""Read marks: as far as anybody was told they stand, they never fall."""

import collections


def check(record):
    yield from check_receipts(record)
    yield from check_own(record)


def check_receipts(record):
    """On one connection the marks of each reader rise."""
    for each in record.histories:
        for connection in each.connections:
            marks = {}
            for _, frame in connection.frames:
                if frame["type"] != "receipt":
                    continue
                reader = frame["conv"], frame["user"]
                now = frame.get("recv") or 0, frame.get("read") or 0
                before = marks.get(reader, (0, 0))
                if now[0] < before[0] or now[1] < before[1]:
                    yield "mark fell", f"{each}: {reader} from {before} to {now}"
                marks[reader] = max(before[0], now[0]), max(before[1], now[1])


def check_own(record):
    """What was answered with `ok` is in every `ready` that was asked for later."""
    marks = collections.defaultdict(list)
    for each in record.histories:
        for time, conv, seq in each.reads:
            marks[each.user, conv].append((time, seq))
    for each in record.histories:
        for connection in each.connections:
            for conv, listed in connection.listed.items():
                told = max((seq for time, seq in marks[each.user, conv]
                            if time < connection.hello), default=0)
                if listed.get("read", 0) < told:
                    yield "mark fell", f"{each}: {conv} read to {told}, then {listed['read']}"
