"""What a device has written and not yet seen acked: sent again until it is."""

import dataclasses
import time
import uuid

SENDS_MAX = 64
RESEND_SECONDS = 5
RETRY_SECONDS = 0.5


@dataclasses.dataclass
class Send:
    cid: str
    to: str
    body: dict
    written: float
    # Of a message, or of an edit, deletion or reaction of the message that is its target.
    kind: str
    target: int | None
    due: float = 0.0
    # The connection that it was last sent on.
    connection: int = -1

    def request(self):
        """The type of its frame, and what is in it."""
        if self.kind == "message":
            return "send", {"body": self.body}
        # The others have what the server makes their body of.
        fields = {"body": self.body} if self.kind == "edit" else self.body
        return self.kind, {"target": self.target, **fields}


class Outbox:
    """Sends in the order in which they were written."""

    def __init__(self):
        self.sends = {}

    def __len__(self):
        return len(self.sends)

    def write(self, to, body, kind, target):
        """The new send, or nothing when too many wait already."""
        if len(self.sends) >= SENDS_MAX:
            return None
        send = Send(str(uuid.uuid4()), to, body, time.monotonic(), kind, target)
        self.sends[send.cid] = send
        return send

    def due(self, connection):
        """What is to be sent on a connection now: what it has not carried, and what is late."""
        now = time.monotonic()
        due = [send for send in self.sends.values()
               if send.connection != connection or now >= send.due]
        for send in due:
            send.connection, send.due = connection, now + RESEND_SECONDS
        return due

    def has_older(self, time):
        """Whether something that was written before a time waits for its ack."""
        return any(send.written < time for send in self.sends.values())

    def acked(self, cid):
        """The send, if this is its first ack."""
        return self.sends.pop(cid, None)

    def failed(self, cid, is_retryable, after):
        send = self.sends.get(cid)
        if send is None:
            return
        if is_retryable:
            send.due = time.monotonic() + (after or RETRY_SECONDS)
        else:
            # The checker asks why.
            del self.sends[cid]
