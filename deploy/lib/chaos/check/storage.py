"""Acks against the database: stored once, where and as it was sent, under one number."""

import collections

from chaos.plan import key_of

# Nothing that the clients ask for deserves these.
BLAMED_ERRORS = {"bad_request", "internal"}


def check(record):
    yield from check_log(record)
    yield from check_acks(record)
    yield from check_refusals(record)


def check_log(record):
    """The log by itself: numbers without gaps or doubles, each client id once."""
    cids = collections.defaultdict(list)
    for key, rows in record.rows.items():
        numbers = sorted(row.seq for row in rows)
        if numbers != list(range(1, len(numbers) + 1)):
            yield "log numbers", f"{key}: {len(numbers)} messages, but not 1 to {len(numbers)}"
        for row in rows:
            if row.cid:
                cids[row.sender, row.cid].append((key, row.seq))
            if not record.may_see(row.sender, key, row.seq):
                yield "stranger stored", f"{key} {row.seq} is from {row.sender}"
    for (sender, cid), places in cids.items():
        if len(places) > 1:
            yield "stored twice", f"{sender}'s {cid}: {places}"


def check_acks(record):
    writes = {(each.user, cid): write for each in record.histories
              for cid, write in each.writes.items()}
    numbers = {}
    for each in record.histories:
        for _, ack in each.acks:
            key, cid, seq = each.key(ack["conv"]), ack["cid"], ack["seq"]
            first = numbers.setdefault((each.user, cid), (key, seq))
            if first != (key, seq):
                yield "two numbers", f"{each}: {cid} acked as {first} and as {(key, seq)}"
            write = writes.get((each.user, cid))
            if write is not None and each.key(write["to"]) != key:
                yield "altered", f"{each}: {cid} acked as {key} {seq}, sent to {write['to']}"
            yield from check_ack(record, each, ack, key)
    for key, rows in record.rows.items():
        for row in rows:
            yield from check_row(key, row, writes.get((row.sender, row.cid)))


def check_ack(record, each, ack, key):
    """Whether what was acked is what is stored under its number."""
    cid, seq = ack["cid"], ack["seq"]
    row = record.log.get(key, {}).get(seq)
    if row is None:
        yield "acked, not stored", f"{each}: {cid} as {key} {seq}"
    elif (row.sender, row.cid) != (each.user, cid):
        yield "acked, not stored", (f"{each}: {cid} as {key} {seq}, where {row.sender}'s "
                                    f"{row.cid} is")
    elif row.ts != ack["ts"]:
        yield "altered", f"{each}: {key} {seq} acked at {ack['ts']}, stored at {row.ts}"


def check_row(key, row, write):
    """Whether what is stored is what was written, and in the conversation it was written to."""
    if write is None:
        # Entries that the server makes itself have no client id.
        if row.cid:
            yield "never sent", f"{key} {row.seq}: {row.sender}'s {row.cid}"
        return
    if key_of(row.sender, write["to"]) != key:
        yield "altered", f"{key} {row.seq}: {row.sender}'s {row.cid} was sent to {write['to']}"
    if write["body"] is not None and write["body"] != row.body:
        yield "altered", f"{key} {row.seq}: stored with another body than was sent"


def check_refusals(record):
    """Sends that were refused for good, and whatever was answered with somebody's fault."""
    for each in record.histories:
        for _, cid, error in each.refusals:
            if not error["retryable"] and error["code"] not in BLAMED_ERRORS:
                yield "refused", f"{each}: {cid}: {error['code']}: {error['message']}"
        for connection in each.connections:
            for _, frame in connection.frames:
                if frame["type"] == "error" and frame["code"] in BLAMED_ERRORS:
                    yield "refused", (f"{each}: connection {connection.number}, answer to "
                                      f"{frame.get('id')}: {frame['code']}: {frame['message']}")
