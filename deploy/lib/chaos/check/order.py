"""What each connection showed: in rising order, without a silent hole, as it is stored."""

from chaos.check.revisions import body_shown

# Nothing that the clients do deserves these.
BLAMED_CODES = {1002, 1003, 1007, 1008, 1009, 1011, 4000, 4001, 4003, 4103}
MEMBERSHIP_ENDED = "a membership has ended"


def check(record):
    for each in record.histories:
        for connection in each.connections:
            yield from check_connection(record, each, connection)


def check_connection(record, each, connection):
    if is_blamed(record, each, connection):
        yield "closed", f"{each}: connection {connection.number} with {connection.code}"
    walk = Walk(record, each, connection)
    for _, frame in connection.frames:
        match frame["type"]:
            case "msg":
                yield from check_message(record, each, frame, each.key(frame["conv"]))
                yield from walk.message(frame["conv"], frame["seq"])
            case "ack":
                walk.ack(frame["conv"], frame["seq"])
            case "gap":
                yield from walk.gap(frame["conv"], frame["after"], frame["before"])
            case "page":
                key = each.key(frame["conv"])
                for item in frame["items"]:
                    yield from check_message(record, each, item, key)
                numbers = [item["seq"] for item in frame["items"]]
                if numbers != sorted(set(numbers)):
                    yield "order", f"{each}: a page of {key} with {numbers}"


def is_blamed(record, each, connection):
    """A node that finds, without its entry, that a membership has ended can only start afresh."""
    if (connection.code == 4103 and MEMBERSHIP_ENDED in connection.reason
            and record.members.has_left_any(each.user)):
        return False
    return connection.code in BLAMED_CODES


def check_message(record, each, message, key):
    """Whether what was shown is what was stored, in a conversation of the user's."""
    place = f"{each}: {key} {message['seq']}"
    if not record.may_see(each.user, key, message["seq"]):
        yield "another's conversation", place
    row = record.log.get(key, {}).get(message["seq"])
    if row is None:
        yield "shown, not stored", place
    elif (row.sender, row.cid, row.ts) != (
            message["from"].removeprefix("@"), message.get("cid", ""), message["ts"]):
        yield "altered", f"{place}: shown as {message.get('cid')}, stored as {row.cid}"
    elif (row.kind_name, row.reference) != (
            message.get("kind", "message"), message.get("target", message.get("reply_to"))):
        yield "altered", (f"{place}: shown as {message.get('kind')} of {message.get('target')}, "
                          f"stored as {row.kind_name} of {row.reference}")
    elif message.get("body") != body_shown(record, key, row, message):
        yield "altered", f"{place}: another body than was written"


class Walk:
    """How far a connection has brought each conversation."""

    def __init__(self, record, each, connection):
        self.record, self.each, self.connection = record, each, connection
        self.places = {}
        # Acked, and thereby shown, above what was shown before.
        self.acked = {}

    def place(self, conv):
        """Where the connection began: behind what `resume` held; without one, behind the heads."""
        if conv not in self.places:
            if conv in self.connection.resume or self.connection.resume:
                start = self.connection.resume.get(conv, 0)
            else:
                start = self.connection.listed.get(conv, {}).get("head", 0)
            self.places[conv] = start
        return self.places[conv]

    def ack(self, conv, seq):
        if seq > self.place(conv):
            self.acked.setdefault(conv, set()).add(seq)
            self.advance(conv)

    def message(self, conv, seq):
        # What comes again is dropped by its number.
        if seq > self.place(conv):
            yield from self.holes(conv, seq)
            self.places[conv] = seq
            self.advance(conv)

    def gap(self, conv, after, before):
        """What lies between is to be fetched; that it was is seen when all is at rest."""
        if after > self.place(conv):
            yield from self.holes(conv, after + 1)
        self.places[conv] = max(self.place(conv), before - 1)
        self.advance(conv)

    def advance(self, conv):
        acked = self.acked.get(conv, set())
        while self.places[conv] + 1 in acked:
            self.places[conv] += 1
            acked.discard(self.places[conv])

    def holes(self, conv, seq):
        """The numbers below `seq` that were skipped, but for what this connection sent itself,
        whose acks may come later, and what is from before the stay in which its user may see
        `seq`."""
        key = self.each.key(conv)
        acked = self.acked.get(conv, set())
        log = self.record.log.get(key, {})
        stay = self.record.members.stay(self.each.user, key, seq)
        came = 1 if stay is None or key in self.record.members.public else stay.came
        for missing in range(max(self.place(conv) + 1, came), seq):
            row = log.get(missing)
            is_own = (row is not None and row.sender == self.each.user
                      and row.cid in self.connection.sent)
            is_due = missing not in acked and self.record.may_see(self.each.user, key, missing)
            if is_due and not is_own:
                yield "silent hole", (f"{self.each}: connection {self.connection.number} went to "
                                      f"{key} {seq} without {missing}")
