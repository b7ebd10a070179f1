"""What a device holds of one conversation."""


class Place:
    """`last` is the end of what it holds without a hole; `ahead` lies beyond holes."""

    def __init__(self):
        self.last = 0
        self.ahead = set()

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
