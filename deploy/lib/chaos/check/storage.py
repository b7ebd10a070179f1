"""Acks against the database: stored once, with its own body, under one number."""

import collections


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
            if not record.is_member(row.sender, key):
                yield "stranger stored", f"{key} {row.seq} is from {row.sender}"
    for (sender, cid), places in cids.items():
        if len(places) > 1:
            yield "stored twice", f"{sender}'s {cid}: {places}"


def check_acks(record):
    bodies = {(each.user, cid): write for each in record.histories
              for cid, write in each.writes.items()}
    numbers = {}
    for each in record.histories:
        for _, ack in each.acks:
            key, cid, seq = each.key(ack["conv"]), ack["cid"], ack["seq"]
            first = numbers.setdefault((each.user, cid), (key, seq))
            if first != (key, seq):
                yield "two numbers", f"{each}: {cid} acked as {first} and as {(key, seq)}"
            row = record.log.get(key, {}).get(seq)
            if row is None:
                yield "acked, not stored", f"{each}: {cid} as {key} {seq}"
            elif (row.sender, row.cid) != (each.user, cid):
                yield "acked, not stored", (f"{each}: {cid} as {key} {seq}, where {row.sender}'s "
                                            f"{row.cid} is")
            elif row.ts != ack["ts"]:
                yield "altered", f"{each}: {key} {seq} acked at {ack['ts']}, stored at {row.ts}"
    for key, rows in record.rows.items():
        for row in rows:
            write = bodies.get((row.sender, row.cid))
            if write is None:
                # Entries that the server makes itself have no client id.
                if row.cid:
                    yield "never sent", f"{key} {row.seq}: {row.sender}'s {row.cid}"
            elif write["body"] is not None and write["body"] != row.body:
                yield "altered", f"{key} {row.seq}: stored with another body than was sent"


def check_refusals(record):
    for each in record.histories:
        for _, cid, error in each.refusals:
            if not error["retryable"]:
                yield "refused", f"{each}: {cid}: {error['code']}: {error['message']}"
