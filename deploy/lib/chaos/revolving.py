"""A private room whose owner takes guests out and invites them again, all the time."""

import asyncio
import random
import uuid

TURN_MIN, TURN_MAX = 1.5, 5.0
RETRY_SECONDS = 0.5


class RevolvingRoom:
    """What a guest wants to know while out is asked for too: it must not be told."""

    def __init__(self, room, devices):
        self.room = room
        self.owners = [each for each in devices if each.user == room.members[0]]
        self.guests = {user: [each for each in devices if each.user == user]
                       for user in room.guests}
        self.out = set()
        # What was asked for, and may have been done or not.
        self.pending = None
        self.refused = 0

    async def run(self):
        while True:
            await asyncio.sleep(random.uniform(TURN_MIN, TURN_MAX))
            user = random.choice(self.room.guests)
            await (self.admit(user) if user in self.out else self.take_out(user))
            for out in self.out:
                device = random.choice(self.guests[out])
                device.start(device.ask("history", to=self.room.key))

    async def readmit(self):
        """Brings back whoever is out, when `run` was ended wherever it was."""
        if self.pending is not None:
            await self.settle()
        for user in self.room.guests:
            await self.admit(user)

    async def take_out(self, user):
        self.out.add(user)
        await self.change("room.kick", user=f"@{user}")

    async def admit(self, user):
        await self.change("room.invite", users=[f"@{user}"])
        self.out.discard(user)

    async def change(self, kind, **fields):
        cid = str(uuid.uuid4())
        # An entry of the log like others, of which the server makes the body.
        self.owners[0].journal.note("write", cid=cid, to=self.room.key, body=None)
        self.pending = kind, {"room": self.room.key, "cid": cid, **fields}
        await self.settle()

    async def settle(self):
        """Asks until there is an answer: the client id makes it count once."""
        kind, fields = self.pending
        while True:
            answer = await random.choice(self.owners).ask(kind, **fields)
            if answer is not None and (answer["type"] == "ok" or not answer["retryable"]):
                self.refused += answer["type"] != "ok"
                self.pending = None
                return
            await asyncio.sleep(RETRY_SECONDS)
