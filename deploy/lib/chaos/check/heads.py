"""What `ready` tells of conversations: at least what anybody had been told before it was asked."""

import bisect
import collections
import itertools


def check(record, committed):
    """`committed`: (conversation, seq) -> when it was first acked."""
    acks = collections.defaultdict(list)
    for (key, seq), time in committed.items():
        acks[key].append((time, seq))
    heads = {}
    for key, pairs in acks.items():
        pairs.sort()
        heads[key] = ([time for time, _ in pairs],
                      list(itertools.accumulate((seq for _, seq in pairs), max)))
    for each in record.histories:
        for connection in each.connections:
            if connection.ready is not None:
                yield from check_ready(record, each, connection, heads)


def check_ready(record, each, connection, heads):
    for conv in connection.resume:
        # Who is out of a room is told nothing of it.
        if not record.members.is_in(each.user, each.key(conv), connection.hello,
                                    connection.ready):
            continue
        times, highest = heads.get(each.key(conv), ([], []))
        place = bisect.bisect_left(times, connection.hello)
        told = highest[place - 1] if place else 0
        head = connection.listed.get(conv, {}).get("head", 0)
        if head < told:
            yield "stale head", f"{each}: {each.key(conv)} at {head}, and {told} was acked before"
