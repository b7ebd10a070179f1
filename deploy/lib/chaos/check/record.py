"""What a run has left behind, as the checks read it."""

import dataclasses
import json

from chaos import journal
from chaos.check.members import Members
from chaos.check.revisions import Revisions
from chaos.check.windows import windows
from chaos.plan import key_of

# As the server counts them.
KINDS = ("message", "edit", "delete", "react", "room")


@dataclasses.dataclass(frozen=True)
class Stored:
    """A row of the final database."""

    seq: int
    sender: str
    cid: str
    ts: int
    # Nothing where it was taken out.
    body: object
    kind: int = 0
    reference: int | None = None
    edited_by: int | None = None
    deleted_by: int | None = None

    @property
    def kind_name(self):
        return KINDS[self.kind]


@dataclasses.dataclass
class Connection:
    """One connection of a device: from its hello to its end."""

    number: int
    resume: dict = dataclasses.field(default_factory=dict)
    ready: float | None = None
    end: float = float("inf")
    # With which it was closed, if it was.
    code: int | None = None
    reason: str = ""
    # What `ready` listed, by the conversation's name.
    listed: dict = dataclasses.field(default_factory=dict)
    # (time, frame), as they came; and when each cid was first sent on it.
    frames: list = dataclasses.field(default_factory=list)
    sent: dict = dataclasses.field(default_factory=dict)
    # When each other request was made, by its id.
    asked: dict = dataclasses.field(default_factory=dict)
    hello: float = 0.0

    @property
    def is_open(self):
        """Whether it was ready, and was never seen to end."""
        return self.ready is not None and self.end == float("inf")


@dataclasses.dataclass
class History:
    """What one device saw and did."""

    user: str
    device: str
    connections: list
    writes: dict
    acks: list
    refusals: list
    # (time, conversation, seq) of each `read` that was answered with `ok`.
    reads: list

    def __str__(self):
        return f"{self.user}/{self.device}"

    def key(self, conv):
        return key_of(self.user, conv)


def history(user, device, events):
    """A device's history from its journal."""
    connections, writes, acks, refusals, reads, sends = {}, {}, [], [], [], {}
    for event in events:
        if event["e"] == "write":
            writes[event["cid"]] = event
            continue
        if event["e"] == "read":
            reads.append((event["t"], event["conv"], event["seq"]))
            continue
        here = connections.setdefault(event["c"], Connection(event["c"]))
        match event["e"]:
            case "hello":
                here.resume, here.hello = event["resume"], event["t"]
            case "send":
                here.sent.setdefault(event["cid"], event["t"])
                sends[event.get("id")] = event["cid"]
            case "ask":
                here.asked[event["id"]] = event["t"]
            case "end":
                here.end, here.code = event["t"], event.get("code")
                here.reason = event.get("reason", "")
            case "frame":
                frame = event["frame"]
                here.frames.append((event["t"], frame))
                if frame["type"] == "ready":
                    here.ready = event["t"]
                    here.listed = {each["conv"]: each for each in frame["conversations"]}
                elif frame["type"] == "ack":
                    acks.append((event["t"], frame))
                elif frame["type"] == "error" and frame.get("id") in sends:
                    refusals.append((event["t"], sends[frame["id"]], frame))
    return History(user, device, list(connections.values()), writes, acks, refusals, reads)


class Record:
    """The histories, the final log by conversation, the faults, the nodes' figures."""

    def __init__(self, histories, log, events=(), samples=(), final=None, marks=None):
        self.histories = histories
        self.writes = {(each.user, cid): write for each in histories
                       for cid, write in each.writes.items()}
        # key -> {seq: Stored}, and key -> all rows, should there be two with one number.
        self.rows = log
        self.log = {key: {row.seq: row for row in rows} for key, rows in log.items()}
        self.events, self.samples = list(events), list(samples)
        self.windows = windows(self.events)
        self.members = Members(histories, log)
        self.revisions = Revisions(self.log)
        # (key, user) -> how far each has received and read, in the database.
        self.marks = marks
        # What was left when everything had stopped: queues and the like.
        self.final = final or {}
        # Of what came later nothing is known.
        self.end = max((time for each in self.histories for connection in each.connections
                        for time, _ in connection.frames), default=0.0)

    def may_see(self, user, key, seq):
        return self.members.stay(user, key, seq) is not None

    def written(self, row):
        """The body that an entry was written with; what the server made itself is as stored."""
        write = self.writes.get((row.sender, row.cid))
        return row.body if write is None or write["body"] is None else write["body"]


def load(folder, log, marks):
    """Reads a run's folder."""
    histories = []
    for path in sorted((folder / "history").glob("*.jsonl")):
        user, device, _ = path.name.split(".")
        histories.append(history(user, device, journal.read(path)))
    return Record(histories, log, journal.read(folder / "events.jsonl"),
                  journal.read(folder / "samples.jsonl"),
                  json.loads((folder / "final.json").read_text())
                  if (folder / "final.json").exists() else None, marks)
