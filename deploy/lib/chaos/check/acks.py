"""When acks came: to whoever sent something, on the connection that it was sent on."""

from chaos.check.windows import ALLOWED_SECONDS, without_faults


def check(record):
    faults = [window for window in record.windows if window.holds_up_acks]
    for each in record.histories:
        refused = {cid for _, cid, error in each.refusals if not error["retryable"]}
        for connection in each.connections:
            yield from check_connection(record, each, connection, faults, refused)


def check_connection(record, each, connection, faults, refused):
    """An error that may go away is no answer: the send is as late as if there were none."""
    acked = {}
    for time, frame in connection.frames:
        if frame["type"] == "ack":
            acked.setdefault(frame["cid"], time)
    for cid, sent in connection.sent.items():
        since, _ = without_faults(sent, faults)
        late = min(acked.get(cid, float("inf")), connection.end, record.end) - since
        if late > ALLOWED_SECONDS and cid not in refused:
            yield "ack late", (f"{each}: {cid} sent at {sent:.1f}, not acked within {late:.1f} s "
                               f"on connection {connection.number}")
