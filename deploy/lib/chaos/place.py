"""What a device holds of one conversation."""

import collections

RECENT_MAX = 8


class Place:
    """`last` is the end of what it holds without a hole; `ahead` lies beyond holes."""

    def __init__(self):
        self.last = 0
        self.ahead = set()
        # The last messages that it sent itself, and that it saw: edits and the like are of these.
        self.own = collections.deque(maxlen=RECENT_MAX)
        self.seen = collections.deque(maxlen=RECENT_MAX)

    def forget(self, seq):
        """A message is deleted, or about to be."""
        for recent in (self.own, self.seen):
            if seq in recent:
                recent.remove(seq)

    def add(self, seq):
        """Says whether this was new."""
        if seq <= self.last or seq in self.ahead:
            return False
        self.ahead.add(seq)
        self.advance()
        return True

    def skip(self, through):
        """There is nothing to be had up to a number."""
        if through > self.last:
            self.last = through
            self.ahead = {seq for seq in self.ahead if seq > through}
            self.advance()

    def advance(self):
        while self.last + 1 in self.ahead:
            self.last += 1
            self.ahead.discard(self.last)

    @property
    def has_hole(self):
        return bool(self.ahead)
