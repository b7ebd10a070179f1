"""All checks together, and what they come to."""

import collections
import dataclasses

from chaos.check import (acks, heads, marks, members, order, presence, resources,
                         revisions, storage)
from chaos.check.arrival import Arrivals

SHOWN_MAX = 10


@dataclasses.dataclass
class Verdict:
    """The violations by kind, and what was looked at."""

    violations: dict
    acked: int
    checked: int
    recoveries: dict
    longest_turn: float

    @property
    def is_clean(self):
        return not self.violations

    def lines(self):
        for kind, found in self.violations.items():
            yield f"VIOLATION {kind}: {len(found)}"
            yield from (f"  {each}" for each in found[:SHOWN_MAX])

    def worst(self):
        """The longest recovery, and that of conversations without a next message."""
        found = self.recoveries.values()
        return (max((each.worst for each in found), default=0.0),
                max((each.worst_quiet for each in found), default=0.0))


def check(record, quiet=()):
    """`quiet`: the keys of conversations that are written to rarely."""
    violations = collections.defaultdict(list)
    arrivals = Arrivals(record, quiet)
    for found in (storage.check(record), acks.check(record), order.check(record),
                  members.check(record), arrivals.check(),
                  heads.check(record, arrivals.committed), marks.check(record),
                  revisions.check(record, arrivals.committed),
                  presence.check(record), resources.check(record)):
        for kind, what in found:
            violations[kind].append(what)
    acked = {(each.user, ack["cid"]) for each in record.histories for _, ack in each.acks}
    return Verdict(dict(violations), len(acked), arrivals.checked, arrivals.recoveries,
                   resources.longest_turn(record))
