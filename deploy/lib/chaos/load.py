"""Who writes when, and who goes and comes: what the faults meet."""

import asyncio
import random

from chaos.revolving import RevolvingRoom

FILLER_MAX = 300
LONG_FILLER, LONG_SHARE = 4000, 0.03
CHANGE_SHARE = 1 / 15
BURST, BURST_SECONDS = 40, 10
MOVE_SECONDS = 2.0
ABSENCE_MIN, ABSENCE_MAX = 2, 12
READ_SECONDS = 0.5


class Load:
    """Messages at an even rate in busy conversations; one now and then in quiet ones."""

    def __init__(self, plan, devices, rate):
        self.plan, self.devices, self.rate = plan, devices, rate
        self.number = 0
        self.held_back = 0
        self.tasks, self.absences = [], set()
        self.revolving = next((RevolvingRoom(room, devices) for room in plan.rooms if room.guests),
                              None)

    def start(self):
        works = [self.write_evenly(), self.write_bursts(), self.move(), self.read()]
        if self.revolving is not None:
            works.append(self.revolving.run())
        self.tasks = [asyncio.create_task(work) for work in works]

    async def stop(self):
        tasks = [*self.tasks, *self.absences]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for device in self.devices:
            device.is_online.set()

    # Writing.

    def write(self, conversation, device=None):
        """A message that no other is like; or an edit, a deletion or a reaction."""
        if device is None:
            user = random.choice(conversation.writers)
            device = random.choice([each for each in self.devices if each.user == user])
        self.number += 1
        to = conversation.name_for(device.user)
        kind, target = drawn_kind(device.places[to])
        match kind:
            case "message" | "edit":
                size = (LONG_FILLER if random.random() < LONG_SHARE
                        else random.randint(0, FILLER_MAX))
                text = f"{conversation.key} {device.user} {self.number} " + "x" * size
                body = {"text": text}
            case "delete":
                body = {}
            case "react":
                body = {"emoji": f"👍{self.number}"}
        if device.write(to, body, kind, target) is None:
            self.held_back += 1

    async def write_evenly(self):
        busy = self.plan.busy()
        while True:
            self.write(random.choice(busy))
            await asyncio.sleep(random.expovariate(self.rate))

    async def write_bursts(self):
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5) * BURST_SECONDS)
            conversation = random.choice(self.plan.busy())
            writers = [each for each in self.devices if each.user in conversation.writers]
            device = random.choice(writers)
            for _ in range(BURST):
                self.write(conversation, device)

    async def write_quiet(self, seconds, quiet):
        """One message in each conversation, some time within `seconds`: whoever waits for it gets
        no next one that would show that it is missing."""
        times = sorted(random.uniform(0, seconds) for _ in quiet)
        passed = 0.0
        for time, conversation in zip(times, random.sample(quiet, len(quiet))):
            await asyncio.sleep(time - passed)
            passed = time
            self.write(conversation)

    # Coming and going.

    async def move(self):
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5) * MOVE_SECONDS)
            device = random.choice(self.devices)
            if not device.is_connected:
                continue
            match random.randrange(3):
                case 0:
                    device.drop()
                case 1:
                    device.start(device.take_over())
                case 2:
                    absence = device.start(self.be_absent(device))
                    self.absences.add(absence)
                    absence.add_done_callback(self.absences.discard)

    async def be_absent(self, device):
        device.is_online.clear()
        device.drop()
        await asyncio.sleep(random.uniform(ABSENCE_MIN, ABSENCE_MAX))
        device.is_online.set()

    async def read(self):
        """In busy conversations: in quiet ones receipts would mend what their messages meet."""
        while True:
            await asyncio.sleep(READ_SECONDS)
            conversation = random.choice(self.plan.busy())
            device = random.choice(
                [each for each in self.devices if each.user in conversation.members])
            conv = conversation.name_for(device.user)
            device.start(device.mark_read(conv))
            device.start(device.tell_typing(conv))
            device.start(device.look_back(conv))


def drawn_kind(place):
    """What is written next, and of which message: edits and deletions are of one's own."""
    if random.random() < CHANGE_SHARE:
        kind = random.choice(("edit", "delete", "react"))
        if recent := [*place.own, *(place.seen if kind == "react" else ())]:
            return kind, random.choice(recent)
    return "message", None
