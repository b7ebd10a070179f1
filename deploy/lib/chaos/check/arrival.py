"""When messages came: to whoever is connected, also when no next one shows that one is missing."""

import bisect
import collections
import dataclasses
import itertools

from chaos.check.windows import ALLOWED_SECONDS, without_faults


@dataclasses.dataclass
class Recovery:
    """How long after the end of faults of a kind the last message came that it had held up."""

    count: int = 0
    worst: float = 0.0
    worst_quiet: float = 0.0


class Arrivals:
    """Delivery times against commits, connections and faults."""

    def __init__(self, record, quiet=()):
        self.record, self.quiet = record, set(quiet)
        self.committed = first_acks(record)
        self.recoveries = {}
        for window in record.windows:
            if window.missed is None:
                self.recoveries.setdefault(window.name, Recovery()).count += 1
        self.checked = 0

    def check(self):
        for each in self.record.histories:
            timeline = Timeline(each)
            for key, times in arrivals(each).items():
                yield from self.check_conversation(each, timeline, key, times)

    def check_conversation(self, each, timeline, key, times):
        members, missing = self.record.members, []
        for seq in self.record.log.get(key, {}):
            stay = members.stay(each.user, key, seq)
            if stay is None:
                continue
            came = times.get(seq, float("inf"))
            if came < float("inf"):
                self.checked += 1
            elif stay.end == float("inf"):
                missing.append(seq)
            committed = self.committed.get((key, seq))
            # One that nobody was told of may be as late as it likes: its sender sends it again.
            if committed is None:
                continue
            late = max(self.lateness(timeline, committed, came, key, stay.end),
                       default=None)
            if late is not None and late[0] > ALLOWED_SECONDS:
                yield "late", (f"{each}: {key} {seq} not within {late[0]:.1f} s, connected all the "
                               f"while on connection {late[1]}")
        if missing:
            yield "never arrived", f"{each}: {key} {ranges(missing)}"

    def lateness(self, timeline, committed, came, key, left):
        """For each connection that should have brought it: seconds, and the connection. `left` is
        when the device's user was taken out, from when on it is not to be had."""
        for connection in timeline.between(committed, came):
            since = max(committed, connection.ready)
            until = min(came, connection.end, self.record.end, left)
            since, fault = without_faults(since, self.record.windows)
            late = until - since
            if fault is not None and late > 0 and came <= connection.end:
                self.note(fault, late, key)
            yield late, connection.number

    def note(self, fault, late, key):
        recovery = self.recoveries.setdefault(fault, Recovery())
        recovery.worst = max(recovery.worst, late)
        if key in self.quiet:
            recovery.worst_quiet = max(recovery.worst_quiet, late)


class Timeline:
    """The connections of a device that came to be ready, by time."""

    def __init__(self, each):
        ready = [connection for connection in each.connections if connection.ready is not None]
        self.connections = sorted(ready, key=lambda connection: connection.ready)
        # Two may overlap, so an end alone does not rise.
        self.ends = list(itertools.accumulate((each.end for each in self.connections), max))

    def between(self, since, until):
        """Those that were there at any time in between."""
        for connection in self.connections[bisect.bisect_left(self.ends, since):]:
            if connection.ready > until:
                return
            if connection.end >= since:
                yield connection


def first_acks(record):
    """(conversation, seq) -> when anybody was first told that it is stored."""
    first = {}
    for each in record.histories:
        for time, ack in each.acks:
            place = each.key(ack["conv"]), ack["seq"]
            first[place] = min(time, first.get(place, time))
    return first


def arrivals(each):
    """conversation -> {seq: when the device first had it}: as a message, an ack, or on a page."""
    keys = {each.key(conv) for connection in each.connections for conv in connection.resume}
    times = collections.defaultdict(dict, {key: {} for key in keys})
    for connection in each.connections:
        for time, frame in connection.frames:
            match frame["type"]:
                case "msg" | "ack":
                    numbers = [frame["seq"]]
                case "page":
                    numbers = [item["seq"] for item in frame["items"]]
                case _:
                    continue
            times_here = times[each.key(frame["conv"])]
            for seq in numbers:
                times_here[seq] = min(time, times_here.get(seq, time))
    return times


def ranges(numbers):
    """7, 8, 9, 12 as `7-9 12`, and not too long."""
    spans = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in spans[:8]]
    return " ".join(shown) + (" ..." if len(spans) > 8 else "")
