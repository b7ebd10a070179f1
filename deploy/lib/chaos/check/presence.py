"""Who is told to be there: whoever has a connection is, and who has had none for long is not."""

# Behind a change of connections, and until a node that died is known to be gone.
CHANGE_SECONDS, AWAY_SECONDS, LEASE_SECONDS = 3.0, 8.0, 15.0
# Behind the end of a fault.
AFTER_FAULT_SECONDS = 5.0


def check(record):
    connections = connections_of(record)
    for each in record.histories:
        for connection in each.connections:
            for time, frame in connection.frames:
                if frame["type"] == "ok" and "users" in frame:
                    for told in frame["users"]:
                        yield from check_user(record, each, time, told, connections)


def connections_of(record):
    """user -> when its connections were ready, and ended."""
    spans = {}
    for each in record.histories:
        spans.setdefault(each.user, []).extend(
            (connection.ready, connection.end) for connection in each.connections
            if connection.ready is not None)
    return spans


def check_user(record, each, time, told, connections):
    user = told["user"].removeprefix("@")
    spans = connections.get(user, ())
    is_there = any(ready <= time - CHANGE_SECONDS and end > time for ready, end in spans)
    is_away = all(end < time - AWAY_SECONDS or ready > time for ready, end in spans)
    calm = time - max((window.end for window in record.windows
                       if window.was_felt and window.begin < time), default=float("-inf"))
    if is_there and told["state"] == "offline" and calm > AFTER_FAULT_SECONDS:
        yield "presence", f"{each}: {user} is connected, and told to be offline at {time:.1f}"
    if is_away and told["state"] != "offline" and calm > LEASE_SECONDS:
        yield "presence", (f"{each}: {user} has had no connection for {AWAY_SECONDS:.0f} s, and "
                           f"is told to be {told['state']} at {time:.1f}")
