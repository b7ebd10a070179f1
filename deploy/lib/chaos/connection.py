"""One WebSocket of one device, from its opening to its end."""

import asyncio
import itertools
import json

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, WebSocketException

OPEN_SECONDS = 4
READY_SECONDS = 8
QUIET_SECONDS = 4
DEAD_SECONDS = 6

LOST = (OSError, EOFError, TimeoutError, WebSocketException, InvalidHandshake, InvalidMessage)


class Connection:
    """Writes down every frame, and hands it to its device.

    Sends a `ping` when nothing came for a while, and gives up when that is not answered: a node
    that is frozen closes nothing.
    """

    numbers = itertools.count(1)

    def __init__(self, device):
        self.device = device
        self.number = next(self.numbers)
        self.ids = itertools.count(1)
        self.socket = None
        self.node = None
        self.is_ready = False
        self.over = asyncio.Event()

    def note(self, event, **fields):
        self.device.journal.note(event, c=self.number, **fields)

    async def open(self, url):
        """Connects and says hello; returns when `ready` is there."""
        async with asyncio.timeout(OPEN_SECONDS + 1):
            self.socket = await connect(
                url, subprotocols=["chat.v1"], open_timeout=OPEN_SECONDS, proxy=None,
                ping_interval=None, max_size=None, max_queue=None, close_timeout=1,
                compression=None)
        resume = self.device.resume()
        self.note("hello", resume=resume)
        await self.post("hello", user=self.device.user, device=self.device.name, resume=resume)
        async with asyncio.timeout(READY_SECONDS):
            while not self.is_ready:
                self.take(await self.socket.recv())

    async def read(self):
        """Takes frames until the connection is lost."""
        reason = "cancelled"
        try:
            await self.take_all()
            reason = "no answer"
        except LOST as failure:
            reason = repr(failure)
        finally:
            self.end(reason)

    async def take_all(self):
        has_pinged = False
        while True:
            seconds = DEAD_SECONDS if has_pinged else QUIET_SECONDS
            try:
                # Not wait_for, which may take its own cancellation for the end of the wait.
                async with asyncio.timeout(seconds):
                    frame = await self.socket.recv()
            except TimeoutError:
                if has_pinged:
                    return
                has_pinged = True
                await self.post("ping")
                continue
            has_pinged = False
            self.take(frame)

    def take(self, text):
        frames = json.loads(text)
        for frame in frames if isinstance(frames, list) else [frames]:
            if frame["type"] != "pong":
                self.note("frame", frame=frame)
            if frame["type"] == "ready":
                self.is_ready, self.node = True, frame["node"]
            self.device.received(frame, self)

    def next_id(self):
        return f"{self.number}.{next(self.ids)}"

    async def post(self, kind, number=None, **fields):
        """Sends a request; returns its id."""
        number = number or self.next_id()
        await self.socket.send(json.dumps({"type": kind, "id": number, **fields}))
        return number

    def abort(self):
        """Ends it without a word, as a phone that is out of reach does."""
        if self.socket is not None and self.socket.transport is not None:
            self.socket.transport.abort()

    def end(self, reason):
        """Told once, when nothing more comes or is wanted from it."""
        self.is_ready = False
        code = self.socket.close_code if self.socket is not None else None
        self.note("end", code=code, reason=reason[:200])
        self.abort()
        self.over.set()
