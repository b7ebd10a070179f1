"""Histories made by hand, for the tests of the checker of deploy/chaos."""

from chaos.check.record import Record, Stored, history
from chaos.check.verdict import check

COUNT = 5
KEY = "ann:bob"


def body(seq):
    return {"text": f"message {seq}"}


class Story:
    """ann writes five messages to bob, one a second, and all is well until a test changes it."""

    def __init__(self):
        numbers = range(1, COUNT + 1)
        self.rows = [Stored(seq, "ann", f"cid-{seq}", 1000 + seq, body(seq)) for seq in numbers]
        self.ann = self.opened("@bob", 1)
        self.bob = self.opened("@ann", 2)
        for seq in numbers:
            self.ann += [
                {"t": seq, "e": "write", "cid": f"cid-{seq}", "to": "@bob", "body": body(seq)},
                {"t": seq, "e": "send", "c": 1, "cid": f"cid-{seq}", "id": f"1.{seq}"},
                self.frame(seq + 0.1, 1, type="ack", conv="@bob", cid=f"cid-{seq}", seq=seq,
                           ts=1000 + seq)]
            self.bob.append(self.message(seq))
        # Life goes on for a while.
        self.bob.append(self.frame(30, 2, type="receipt", conv="@ann", user="@ann", recv=3, read=2))
        self.events, self.samples, self.final, self.marks = [], [], {}, None

    def opened(self, conv, number, time=0.0, held=0, **listed):
        listed = {"conv": conv, "head": 0, "recv": 0, "read": 0, "unread": 0, **listed}
        return [{"t": time, "e": "hello", "c": number, "resume": {conv: held}},
                self.frame(time + 0.1, number, type="ready", conversations=[listed])]

    def frame(self, time, number, **frame):
        return {"t": time, "e": "frame", "c": number, "frame": frame}

    def message(self, seq, time=None, number=2, **changes):
        frame = {"type": "msg", "conv": "@ann", "seq": seq, "from": "@ann", "cid": f"cid-{seq}",
                 "ts": 1000 + seq, "body": body(seq), **changes}
        return self.frame(time or seq + 0.2, number, **frame)

    def place(self, seq):
        """Where bob's frame with a message is."""
        return next(place for place, event in enumerate(self.bob)
                    if event.get("frame", {}).get("seq") == seq)

    def fault(self, begin, end, server=None):
        self.events += [
            {"t": begin, "e": "begin", "fault": "some-fault"},
            {"t": begin + 0.1, "e": "injected", "evidence": "it broke", "server": server},
            {"t": end, "e": "healed", "fault": "some-fault", "missed": None}]

    def missed_fault(self, begin, end, *between):
        self.events += [
            {"t": begin, "e": "begin", "fault": "some-fault"}, *between,
            {"t": end, "e": "healed", "fault": "some-fault", "missed": "it did not show"}]

    def verdict(self, quiet=()):
        histories = [history("ann", "device-0", self.ann), history("bob", "device-0", self.bob)]
        return check(Record(histories, self.rows_by_key(), self.events, self.samples,
                            final=self.final, marks=self.marks), quiet)

    def rows_by_key(self):
        return {KEY: self.rows}

    def found(self):
        return set(self.verdict().violations)
