"""A STOMP client over a library from outside, whose frames wait in queues for the test."""

import json
import queue
import urllib.parse

from stomp import ConnectionListener
from stomp.adapter.ws import WSStompConnection

TIMEOUT = 15
MESSAGES, ERRORS = "/user/queue/messages", "/user/queue/errors"
SEND = "/app/chat.sendMessage"


class StompClient(ConnectionListener):
    """One device of a user, connected and listening, unless told otherwise."""

    def __init__(self, url, user, subscribe=True, ack="auto", resume=None, **options):
        self.user = user
        self.messages, self.errors, self.receipts, self.failures = (
            queue.Queue(), queue.Queue(), queue.Queue(), queue.Queue())
        address = urllib.parse.urlsplit(url)
        self.connection = WSStompConnection(
            [(address.hostname, address.port)], ws_path="/ws-chat", reconnect_attempts_max=1,
            **options)
        self.connection.set_listener("test", self)
        self.connection.connect(user, wait=True)
        if subscribe:
            self.connection.subscribe(ERRORS, "errors")
            self.subscribe(ack, resume)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection.is_connected():
            self.connection.disconnect()

    def subscribe(self, ack="auto", resume=None):
        headers = {"resume": json.dumps(resume)} if resume is not None else {}
        self.connection.subscribe(MESSAGES, "messages", ack, headers | {"receipt": "subscribed"})
        assert self.receipt() == "subscribed"

    def send(self, to, text, receipt=None, **headers):
        """Sends a text; with a receipt, waits until it is stored."""
        if receipt:
            headers["receipt"] = receipt
        self.connection.send(SEND, json.dumps({"receiver": to, "content": text}), **headers)
        if receipt:
            assert self.receipt() == receipt

    def next(self):
        """The JSON of the next message, and its headers."""
        frame = self.messages.get(timeout=TIMEOUT)
        return json.loads(frame.body), frame.headers

    def error(self):
        frame = self.errors.get(timeout=TIMEOUT)
        return json.loads(frame.body), frame.headers

    def receipt(self):
        return self.receipts.get(timeout=TIMEOUT)

    # What the library calls, on a thread of its own.

    def on_message(self, frame):
        target = {MESSAGES: self.messages, ERRORS: self.errors}[frame.headers["destination"]]
        target.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.failures.put(frame)
