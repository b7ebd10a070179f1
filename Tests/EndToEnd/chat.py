"""A chat.v1 client as docs/protocol.md describes one, over a WebSocket library from outside."""

import collections
import itertools
import json
import time
import uuid

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

TIMEOUT = 15


class Client:
    """One device of a user. Answers are matched by `id`; pushes wait in an inbox."""

    def __init__(self, url, user, device=None, resume=None, hello=True, tls=None,
                 **options):
        self.user, self.url = user, url
        self.ids = itertools.count(1)
        self.answers = {}
        self.inbox = collections.deque()
        self.socket = connect(url, subprotocols=["chat.v1"], open_timeout=TIMEOUT, proxy=None,
                              ping_interval=None, max_size=None, max_queue=None, legacy=True,
                              ssl=tls, **options)
        if hello:
            self.ready = self.hello(device, resume)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def hello(self, device=None, resume=None):
        fields = {"user": self.user, "device": device, "resume": resume}
        return self.request("hello", **{key: value for key, value in fields.items() if value})

    def post(self, kind, **fields):
        """Sends a request without waiting for its answer; returns its id."""
        number = next(self.ids)
        self.socket.send(json.dumps({"type": kind, "id": number, **fields}))
        return number

    def request(self, kind, **fields):
        return self.answer(self.post(kind, **fields))

    def answer(self, number, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while number not in self.answers:
            self.receive(deadline - time.monotonic())
        return self.answers.pop(number)

    def post_text(self, to, text, cid=None, **fields):
        return self.post("send", to=to, body={"text": text}, cid=cid or new_cid(), **fields)

    def send(self, to, text, cid=None, **fields):
        """Sends a text and waits for its ack."""
        answer = self.answer(self.post_text(to, text, cid, **fields))
        assert answer["type"] == "ack", answer
        return answer

    def next(self, kind="msg", timeout=TIMEOUT):
        """The next push of a kind; pushes of other kinds stay where they are."""
        deadline = time.monotonic() + timeout
        while True:
            for frame in self.inbox:
                if frame["type"] == kind:
                    self.inbox.remove(frame)
                    return frame
            self.receive(deadline - time.monotonic())

    def receive(self, timeout):
        frame = json.loads(self.socket.recv(timeout=max(timeout, 0)))
        if frame.get("id") is not None:
            self.answers[frame["id"]] = frame
        else:
            self.inbox.append(frame)

    def raw(self, text):
        """Sends a frame as it is and returns the next frame that comes, pushed or not."""
        self.socket.send(text)
        return json.loads(self.socket.recv(timeout=TIMEOUT))

    def expect_quiet(self):
        """Everything that was under way to this client has come, and none of it was a push."""
        assert self.request("ping")["type"] == "pong"
        assert not self.inbox, self.inbox

    def expect_closed(self, timeout=TIMEOUT):
        """Reads until the server closes; returns the close code."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.receive(deadline - time.monotonic())
        except ConnectionClosed:
            return self.socket.close_code


class Reader:
    """A device that applies one conversation strictly by `seq`, and reconnects when it must."""

    def __init__(self, urls, user, partner):
        self.urls, self.user, self.partner = itertools.cycle(urls), user, partner
        self.applied = []
        self.client = None

    def read_until(self, count, seconds):
        """Applies messages until there are `count`."""
        deadline = time.monotonic() + seconds
        while len(self.applied) < count:
            assert time.monotonic() < deadline, f"{len(self.applied)} of {count} in time"
            try:
                if self.client is None:
                    self.connect()
                self.apply(self.client.next(timeout=1))
            except TimeoutError:
                continue
            except (ConnectionClosed, OSError):
                self.client = None
                time.sleep(0.1)

    def connect(self):
        resume = {self.partner: len(self.applied)}
        self.client = Client(next(self.urls), self.user, device="reader", resume=resume)

    def apply(self, message):
        if message["conv"] != self.partner or message["seq"] <= len(self.applied):
            return
        while message["seq"] > len(self.applied) + 1:
            page = self.client.request("history", to=self.partner, after=len(self.applied))
            for item in page["items"]:
                self.applied.append(item)
        if message["seq"] == len(self.applied) + 1:
            self.applied.append(message)


def new_cid():
    return str(uuid.uuid4())
