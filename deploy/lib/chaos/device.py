"""One device of a user, as a careful client of chat.v1 is: docs/protocol.md is all it knows."""

import asyncio
import contextlib
import random

from chaos.connection import LOST, Connection
from chaos.journal import Journal
from chaos.outbox import Outbox
from chaos.place import Place

PUMP_SECONDS = 0.25
BACKOFF_MIN, BACKOFF_MAX = 0.1, 2.0
LINGER_SECONDS = 8
HOLE_SECONDS = 1.0
PAGE_SECONDS = 8
RETRY_SECONDS = 0.5
PAGE_MAX, LOOK_BACK_MAX = 100, 30


class Device:
    """Stays connected, applies by `seq`, fetches holes, sends again what was not acked."""

    def __init__(self, user, name, url, plan, folder, shared):
        self.user, self.name, self.url, self.plan = user, name, url, plan
        # What all devices learn together: heads of conversations, what the server cannot do.
        self.shared = shared
        self.journal = Journal(folder / f"{user}.{name}.jsonl")
        self.places = {each.name_for(user): Place() for each in plan.of_user(user)}
        self.outbox = Outbox()
        self.answers = {}
        self.sends_by_id = {}
        self.connection = None
        self.fetching = set()
        self.tasks = set()
        self.is_online = asyncio.Event()
        self.is_online.set()
        self.wake = asyncio.Event()

    def join(self, name):
        """Rooms are there only after the first devices are."""
        self.places.setdefault(name, Place())

    def resume(self):
        return {conv: place.last for conv, place in self.places.items()}

    @property
    def is_connected(self):
        return self.connection is not None and self.connection.is_ready

    @property
    def node(self):
        return self.connection.node if self.is_connected else None

    # Life.

    async def run(self):
        """Connects again and again until it is cancelled."""
        self.start(self.pump())
        failures = 0
        while True:
            await self.is_online.wait()
            connection = Connection(self)
            if await self.opens(connection):
                failures = 0
                self.use(connection)
            else:
                failures += 1
            # One that took over meanwhile is waited for too.
            while self.is_connected:
                await self.connection.over.wait()
            delay = min(BACKOFF_MAX, BACKOFF_MIN * 2 ** min(failures, 8))
            await asyncio.sleep(random.uniform(BACKOFF_MIN / 2, delay))

    async def opens(self, connection):
        try:
            await connection.open(self.url)
            return True
        except LOST as failure:
            connection.end(repr(failure))
            return False
        except asyncio.CancelledError:
            connection.end("cancelled")
            raise

    def use(self, connection):
        """The newest is the device's: one begun before it that is ready later is given up."""
        if self.is_connected and self.connection.number > connection.number:
            connection.abort()
            connection.end("given up")
            return
        self.connection = connection
        self.sends_by_id.clear()
        self.start(connection.read())
        self.wake.set()

    def start(self, work):
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def end(self):
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.journal.close()

    def drop(self):
        if self.connection is not None:
            self.connection.abort()

    async def take_over(self):
        """Connects anew while the old connection is still there, as one that changes networks."""
        old, new = self.connection, Connection(self)
        if self.is_connected and await self.opens(new):
            self.use(new)
            await asyncio.sleep(LINGER_SECONDS)
            old.abort()

    # Out.

    def write(self, to, body, kind, target):
        send = self.outbox.write(to, body, kind, target)
        if send is not None:
            self.journal.note("write", cid=send.cid, to=to, body=body, kind=kind, target=target)
            if kind == "delete":
                self.places[to].forget(target)
            self.wake.set()
        return send

    async def pump(self):
        """Sends what is due on whatever connection there is."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PUMP_SECONDS):
                    await self.wake.wait()
            self.wake.clear()
            connection = self.connection
            if connection is None or not connection.is_ready:
                continue
            try:
                for send in self.outbox.due(connection.number):
                    number = connection.next_id()
                    self.sends_by_id[number] = send.cid
                    connection.note("send", cid=send.cid, id=number)
                    kind, fields = send.request()
                    await connection.post(kind, number, cid=send.cid, to=send.to, **fields)
            except LOST:
                continue

    async def ask(self, kind, **fields):
        """A request and its answer on the present connection; nothing when that is lost."""
        connection = self.connection
        if connection is None or not connection.is_ready:
            return None
        number = connection.next_id()
        answer = self.answers[number] = asyncio.get_running_loop().create_future()
        connection.note("ask", id=number)
        try:
            await connection.post(kind, number, **fields)
            async with asyncio.timeout(PAGE_SECONDS):
                return await answer
        except LOST:
            return None
        finally:
            del self.answers[number]

    # In.

    def received(self, frame, connection):
        match frame["type"]:
            case "ready":
                for listed in frame["conversations"]:
                    self.begin(listed["conv"], listed.get("since", 0))
            case "msg":
                if f"@{self.user}" in who_came(frame):
                    self.begin(frame["conv"], frame["seq"] - 1)
                self.hold(frame["conv"], frame["seq"])
                self.saw(frame)
            case "ack":
                self.sends_by_id.pop(frame["id"], None)
                send = self.outbox.acked(frame["cid"])
                self.shared.committed(self.user, frame["conv"], frame["seq"])
                self.hold(frame["conv"], frame["seq"])
                if send is not None and send.kind == "message":
                    self.places[frame["conv"]].own.append(frame["seq"])
            case "gap":
                self.fetch(frame["conv"], frame["before"] - 1, 0)
            case "error":
                self.failed(frame)
            case "reconnect":
                self.start(self.come_back(connection, frame["after_ms"] / 1000))
        if (answer := self.answers.get(frame.get("id"))) and not answer.done():
            answer.set_result(frame)

    async def come_back(self, connection, seconds):
        await asyncio.sleep(seconds)
        connection.abort()

    def failed(self, frame):
        cid = self.sends_by_id.pop(frame.get("id"), None)
        if cid is not None:
            after = frame.get("retry_after_ms")
            self.outbox.failed(cid, frame["retryable"], after and after / 1000)

    def hold(self, conv, seq):
        place = self.places.setdefault(conv, Place())
        if place.add(seq) and place.has_hole:
            # What is missing may be an ack that comes next.
            self.fetch(conv, max(place.ahead) - 1, HOLE_SECONDS)

    def saw(self, message):
        place = self.places[message["conv"]]
        if message.get("kind") == "delete":
            place.forget(message["target"])
        elif "kind" not in message and "deleted" not in message:
            place.seen.append(message["seq"])

    def begin(self, conv, since):
        """What is at or below it is not this user's to have."""
        self.places.setdefault(conv, Place()).skip(since)

    def fetch(self, conv, through, delay):
        if conv not in self.fetching:
            self.fetching.add(conv)
            self.start(self.fetch_pages(conv, through, delay))

    async def fetch_pages(self, conv, through, delay):
        """Fetches what is missing up to a number, as far as one connection carries it."""
        try:
            await asyncio.sleep(delay)
            place = self.places.setdefault(conv, Place())
            while place.last < max(through, max(place.ahead, default=0)):
                before = place.last
                page = await self.ask("history", to=conv, after=before, limit=PAGE_MAX)
                if page is None:
                    # The next connection resumes from here.
                    return
                if page["type"] != "page":
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                for item in page["items"]:
                    place.add(item["seq"])
                if place.last == before:
                    return
        finally:
            self.fetching.discard(conv)

    async def look_back(self, conv):
        """Reads the last of what it has once more. Nothing that is new to it: that has to come by
        itself."""
        await self.ask("history", to=conv, before=self.places[conv].last + 1, limit=LOOK_BACK_MAX)

    async def tell_typing(self, conv):
        """Tells that the user is typing."""
        connection = self.connection
        try:
            if connection is not None and connection.is_ready:
                await connection.post("typing", to=conv)
        except LOST:
            pass

    async def mark_read(self, conv):
        """Tells how far the user has read; says whether that was taken."""
        seq = self.places[conv].last
        if seq == 0:
            return True
        answer = await self.ask("read", to=conv, seq=seq)
        is_taken = answer is not None and answer["type"] == "ok"
        if is_taken:
            self.journal.note("read", conv=conv, seq=seq)
        return is_taken


def who_came(message):
    """Whom an entry of a private room makes a member: they see it and what comes after it."""
    body = message["body"]
    if message.get("kind") == "room" and body["action"] == "invite":
        return body["users"]
    return ()
