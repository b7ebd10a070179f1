"""One run: a cluster, its clients, its faults, and what the checker says of them."""

import asyncio
import json
import random
import time
import uuid

from chaos import database
from chaos.check import check
from chaos.check.record import load
from chaos.cluster import NODES, Cluster, Failed
from chaos.conductor import Conductor
from chaos.device import Device
from chaos.journal import Journal
from chaos.load import Load
from chaos.monitor import QUEUES, Monitor, scrape
from chaos.plan import Plan
from chaos.shared import Shared
from chaos.stage import Stage

RATE = 40
CONNECT_SECONDS = 30
WARM_SECONDS = 8
# What is under way when the load stops, and 30 s for what the last fault held up.
DRAIN_SECONDS = 40
# For a mutant's open transaction to be committed after all.
COMMIT_SECONDS = 3
# For the last receipts, and for who leaves to be known as gone.
REST_SECONDS = 10


class Run:
    """Entered, it is a cluster under load; left, nothing of it runs any more."""

    def __init__(self, seed, build, mutant=None, rate=RATE):
        self.rng = random.Random(seed)
        # What the load draws from; when it does depends on the machine, so it repeats no run.
        random.seed(seed)
        self.rate = rate
        self.plan = Plan.drawn(self.rng)
        self.cluster = Cluster(build, mutant)
        self.folder = self.cluster.folder / "run"
        (self.folder / "history").mkdir(parents=True)
        self.events = Journal(self.folder / "events.jsonl")
        self.samples = Journal(self.folder / "samples.jsonl")
        self.shared = Shared()
        self.devices, self.tasks = [], []
        # From when everybody is connected on.
        self.monitor = self.stage = self.load = self.conductor = None
        self.keeps_folder = True

    async def __aenter__(self):
        try:
            await self.cluster.up()
            await self.connect()
        except BaseException:
            await self.end()
            raise
        return self

    async def __aexit__(self, kind, *_):
        await self.end()
        if kind is not None:
            print(f"histories and logs: {self.cluster.folder}", flush=True)

    async def connect(self):
        for user, count in self.plan.devices.items():
            for number in range(count):
                self.devices.append(Device(
                    user, f"device-{number}", self.cluster.url, self.plan,
                    self.folder / "history", self.shared))
        self.tasks = [asyncio.create_task(device.run()) for device in self.devices]
        deadline = time.monotonic() + CONNECT_SECONDS
        while not all(device.is_connected for device in self.devices):
            if time.monotonic() > deadline:
                raise Failed("not every device could connect to a healthy cluster")
            await asyncio.sleep(0.1)
        await self.make_rooms()
        self.monitor = Monitor(self.cluster, self.samples)
        self.tasks.append(asyncio.create_task(self.monitor.run()))
        self.load = Load(self.plan, self.devices, self.rate)
        self.stage = Stage(self.cluster, self.load, self.monitor, self.events, self.rng)
        self.conductor = Conductor(self.stage, self.shared, self.events)
        self.load.start()
        await asyncio.sleep(WARM_SECONDS)

    async def make_rooms(self):
        for room in self.plan.rooms:
            owner = next(each for each in self.devices if each.user == room.members[0])
            cid = str(uuid.uuid4())
            # An entry of the log like others, of which the server makes the body.
            owner.journal.note("write", cid=cid, to=room.key, body=None)
            answer = await owner.ask(
                "room.create", cid=cid, room=room.key, public=not room.guests,
                members=[f"@{each}" for each in room.members[1:]])
            if answer is None or answer["type"] == "error":
                raise Failed(f"{room.key} was not made: {answer and answer.get('message')}")
        self.plan.add_rooms()
        for device in self.devices:
            for conversation in self.plan.of_user(device.user):
                device.join(conversation.name_for(device.user))

    async def end(self):
        if self.load is not None:
            await self.load.stop()
        if self.stage is not None:
            self.tasks += self.stage.quiet
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for device in self.devices:
            await device.end()
        for journal in (self.events, self.samples):
            journal.close()
        await self.cluster.down(keep=self.keeps_folder)

    # The verdict.

    async def rest(self):
        """Stops the load, waits until all is acked and has arrived, and notes what is left over."""
        await self.load.stop()
        await self.load.revolving.readmit()
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline and not all(
                len(device.outbox) == 0 and self.conductor.has_all(device, self.shared.heads)
                for device in self.devices):
            await asyncio.sleep(0.1)
        unanswered = await self.read_all()
        self.send_away(self.devices[-1].user)
        await asyncio.sleep(REST_SECONDS)
        is_told = await self.stage.ask_who_is_there()
        await self.stage.note_unroutable()
        self.events.note("stopped")
        final = {"marks without an answer": unanswered,
                 "room changes refused": self.load.revolving.refused,
                 "presence without an answer": int(not is_told)}
        final |= {f"{device.user}/{device.name} waits for acks": len(device.outbox)
                  for device in self.devices}
        for node in NODES:
            figures = await scrape(self.cluster.ops_port(node))
            final[f"{node} pending bytes"] = figures["chat_pending_bytes"]
            final |= {f"{node} {name}": value for name, value in figures.items()
                      if name.startswith(QUEUES)}
        queues = await self.stage.note_queues()
        # A queue that is not there has lost what was in it.
        final |= {f"no queue of {node}": 1 for node in NODES if f"chat.queue.{node}" not in queues}
        final |= {f"messages in {name}": count for name, count in queues.items()}
        (self.folder / "final.json").write_text(json.dumps(final))

    def send_away(self, user):
        for device in self.devices:
            if device.user == user:
                device.is_online.clear()
                device.drop()

    async def read_all(self):
        """Everybody has read everything: what a fault kept from anybody is told once more. How many
        of these marks were not taken."""
        first = {device.user: device for device in reversed(self.devices)}
        taken = await asyncio.gather(*(
            device.mark_read(conv) for device in first.values() for conv in device.places))
        return sum(not each for each in taken)

    async def verdict(self):
        """What the checker says of the run so far; of one that has come to rest, everything."""
        for device in self.devices:
            device.journal.flush()
        for journal in (self.events, self.samples):
            journal.flush()
        await asyncio.sleep(COMMIT_SECONDS)
        record = load(self.folder, await database.log(self.cluster),
                      await database.marks(self.cluster))
        quiet = [each.key for each in self.plan.quiet()]
        return await asyncio.to_thread(check, record, quiet)
