"""What the devices of a run learn together."""

from chaos.plan import key_of


class Shared:
    """Heads of conversations, and how much was acked."""

    def __init__(self):
        # The highest number that was acked, by conversation.
        self.heads = {}
        self.acked = 0

    def committed(self, user, conv, seq):
        key = key_of(user, conv)
        self.acked += 1
        self.heads[key] = max(self.heads.get(key, 0), seq)
