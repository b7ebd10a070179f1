"""Who there is and who talks to whom: all of it from the seed."""

import dataclasses
import itertools

NAMES = ("ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ida", "jim", "kay", "leo")
DEVICES_MAX = 3
BUSY_PAIRS, QUIET_PAIRS = 14, 8
ROOM_SIZES, QUIET_ROOM_SIZES = (5, 8, 11), (6,)


@dataclasses.dataclass(frozen=True)
class Conversation:
    """A direct conversation or a room, as nobody's own side of it."""

    key: str
    members: tuple
    is_quiet: bool

    @property
    def is_room(self):
        return self.key.startswith("#")

    def name_for(self, user):
        """What a member calls it."""
        if self.is_room:
            return self.key
        first, second = self.members
        return f"@{second if user == first else first}"


def direct_key(one, other):
    return ":".join(sorted((one, other)))


def key_of(user, name):
    """The key of what a user calls `@other` or `#room`."""
    return name if name.startswith("#") else direct_key(user, name[1:])


class Plan:
    """Users with their devices, and conversations."""

    def __init__(self, devices, conversations, rooms=()):
        # How many each user has.
        self.devices, self.conversations = devices, list(conversations)
        # Made by the first member when everybody is connected.
        self.rooms = list(rooms)

    @classmethod
    def drawn(cls, rng):
        devices = {name: rng.randint(1, DEVICES_MAX) for name in NAMES}
        pairs = rng.sample(list(itertools.combinations(NAMES, 2)), BUSY_PAIRS + QUIET_PAIRS)
        sizes = [(size, False) for size in ROOM_SIZES] + [(size, True) for size in QUIET_ROOM_SIZES]
        return cls(
            devices,
            [Conversation(direct_key(*pair), pair, number >= BUSY_PAIRS)
             for number, pair in enumerate(pairs)],
            [Conversation(f"#room-{number}", tuple(rng.sample(NAMES, size)), is_quiet)
             for number, (size, is_quiet) in enumerate(sizes)])

    @classmethod
    def pair(cls):
        """Two users who talk to each other."""
        two = NAMES[:2]
        return cls(dict.fromkeys(two, 2), [Conversation(direct_key(*two), two, False)])

    def add_rooms(self):
        self.conversations += self.rooms

    def of_user(self, user):
        return [each for each in self.conversations if user in each.members]

    def busy(self):
        return [each for each in self.conversations if not each.is_quiet]

    def quiet(self):
        return [each for each in self.conversations if each.is_quiet]
