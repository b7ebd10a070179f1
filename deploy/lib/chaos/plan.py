"""Who there is and who talks to whom: all of it from the seed."""

import dataclasses
import itertools

NAMES = ("ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ida", "jim", "kay", "leo")
DEVICES_MAX = 3
# Users who are reached by quiet conversations alone, and by how many each.
IDLE_USERS, IDLE_PAIRS = 2, 3
BUSY_PAIRS, QUIET_PAIRS = 14, 2
ROOM_SIZES, QUIET_ROOM_SIZES = (5, 8, 10), (6,)
REVOLVING_ROOM, REVOLVING_SIZE, GUESTS = "#revolving", 6, 2


@dataclasses.dataclass(frozen=True)
class Conversation:
    """A direct conversation or a room, as nobody's own side of it."""

    key: str
    members: tuple
    is_quiet: bool
    # Members who are taken out and invited again, and do not write.
    guests: tuple = ()

    @property
    def is_room(self):
        return self.key.startswith("#")

    @property
    def writers(self):
        return [user for user in self.members if user not in self.guests]

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

    def __init__(self, devices, conversations, rooms=(), idle=()):
        # How many each user has.
        self.devices, self.conversations = devices, list(conversations)
        # Made by the first member when everybody is connected.
        self.rooms = list(rooms)
        self.idle = list(idle)

    @classmethod
    def drawn(cls, rng):
        devices = {name: rng.randint(1, DEVICES_MAX) for name in NAMES}
        idle = rng.sample(NAMES, IDLE_USERS)
        others = [name for name in NAMES if name not in idle]
        pairs = rng.sample(list(itertools.combinations(others, 2)), BUSY_PAIRS + QUIET_PAIRS)
        pairs += [(user, other) for user in idle for other in rng.sample(others, IDLE_PAIRS)]
        rooms = [(False, rng.sample(others, size)) for size in ROOM_SIZES]
        # Whoever is idle is in the quiet room.
        rooms += [(True, idle + rng.sample(others, size - IDLE_USERS)) for size in QUIET_ROOM_SIZES]
        rooms = [Conversation(f"#room-{number}", tuple(members), is_quiet)
                 for number, (is_quiet, members) in enumerate(rooms)]
        members = tuple(rng.sample(others, REVOLVING_SIZE))
        rooms.append(Conversation(REVOLVING_ROOM, members, False, members[-GUESTS:]))
        return cls(
            devices,
            [Conversation(direct_key(*pair), pair, number >= BUSY_PAIRS)
             for number, pair in enumerate(pairs)],
            rooms, idle)

    @classmethod
    def pair(cls):
        """Two users who talk to each other."""
        two = NAMES[:2]
        return cls(dict.fromkeys(two, 2), [Conversation(direct_key(*two), two, False)])

    def add_rooms(self):
        self.conversations += self.rooms

    def is_guest(self, user, key):
        return any(user in room.guests for room in self.rooms if room.key == key)

    def of_user(self, user):
        return [each for each in self.conversations if user in each.members]

    def busy(self):
        return [each for each in self.conversations if not each.is_quiet]

    def quiet(self):
        return [each for each in self.conversations if each.is_quiet]
