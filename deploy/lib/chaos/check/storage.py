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
    numbers = {}
    for each in record.histories:
        for _, ack in each.acks:
            key, cid, seq = each.key(ack["conv"]), ack["cid"], ack["seq"]
            first = numbers.setdefault((each.user, cid), (key, seq))
            if first != (key, seq):
                yield "two numbers", f"{each}: {cid} acked as {first} and as {(key, seq)}"
            write = record.writes.get((each.user, cid))
            if write is not None and each.key(write["to"]) != key:
                yield "altered", f"{each}: {cid} acked as {key} {seq}, sent to {write['to']}"
            yield from check_ack(record, each, ack, key)
    for key, rows in record.rows.items():
        for row in rows:
            yield from check_row(record, key, row, record.writes.get((row.sender, row.cid)))


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


def check_row(record, key, row, write):
    """Whether what is stored is what was written, and in the conversation it was written to."""
    if write is None:
        # Entries that the server makes itself have no client id.
        if row.cid:
            yield "never sent", f"{key} {row.seq}: {row.sender}'s {row.cid}"
        return
    if key_of(row.sender, write["to"]) != key:
        yield "altered", f"{key} {row.seq}: {row.sender}'s {row.cid} was sent to {write['to']}"
    if write["body"] is None:
        # A change of a room, of which the server makes the entry.
        return
    sent = write.get("kind", "message"), write.get("target")
    if sent != (row.kind_name, row.reference):
        yield "altered", (f"{key} {row.seq}: stored as {row.kind_name} of {row.reference}, sent "
                          f"as {sent[0]} of {sent[1]}")
    if not record.revisions.is_deleted(key, row) and write["body"] != row.body:
        yield "altered", f"{key} {row.seq}: stored with another body than was sent"


def check_refusals(record):
    """Sends that were refused for good, and whatever was answered with somebody's fault."""
    for each in record.histories:
        for time, cid, error in each.refusals:
            is_blamed = error["code"] in BLAMED_ERRORS
            if not error["retryable"] and not is_blamed and not is_too_late(
                    record, each, time, cid, error):
                yield "refused", f"{each}: {cid}: {error['code']}: {error['message']}"
        for connection in each.connections:
            for _, frame in connection.frames:
                if frame["type"] == "error" and frame["code"] in BLAMED_ERRORS:
                    yield "refused", (f"{each}: connection {connection.number}, answer to "
                                      f"{frame.get('id')}: {frame['code']}: {frame['message']}")


def is_too_late(record, each, time, cid, error):
    """Whether it was of a message that was being deleted by then."""
    write = record.writes.get((each.user, cid))
    if error["code"] != "not_found" or write is None:
        return False
    changes = record.revisions.of_message(each.key(write["to"]), write.get("target"))
    deletions = (record.writes.get((change.sender, change.cid)) for change in changes
                 if change.kind_name == "delete")
    return any(deletion is not None and deletion["t"] <= time for deletion in deletions)
