"""Loads the test suite of sockjs-protocol, which is written in Python 2, into this Python.

The suite's own file is converted as it is, with lib2to3 (so this needs Python 3.12 or older); the
modules that it imports are replaced by those below, of the same interface.
"""

import sys
import threading
import types
import unittest
import warnings

from streams import Connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

# What the suite allows a server to take for each step.
STEP_SECONDS = 1


def load(path, url):
    """The suite's test cases by name; they talk to the server at `url`."""
    replaced = {"unittest2": unittest, "utils": utils_module(), "websocket": websocket_module()}
    module = types.ModuleType("sockjs_protocol")
    sys.modules.update(replaced)
    try:
        exec(compile(converted(path, url), str(path), "exec"), module.__dict__)
    finally:
        for name in replaced:
            del sys.modules[name]
    tests = unittest.defaultTestLoader.loadTestsFromModule(module)
    return {f"{type(test).__name__}.{test._testMethodName}": test
            for group in tests for test in group}


def converted(path, url):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from lib2to3 import refactor
    fixers = refactor.get_fixers_from_package("lib2to3.fixes")
    text = path.read_text(encoding="utf-8")
    # Where the server is, which the suite takes from its environment.
    text = text.replace("'http://localhost:8081'", repr(url))
    return str(refactor.RefactoringTool(fixers).refactor_string(text + "\n", str(path)))


# The suite's module `utils`.


class RawHttpConnection:
    """A connection whose responses the test reads itself."""

    def __init__(self, url):
        self.connection = Connection(url, timeout=STEP_SECONDS)

    def request(self, method, url, headers={}, body=None, http="1.1"):
        target = url.removeprefix(f"http://{self.connection.host}").removeprefix(
            f"//{self.connection.host}") or "/"
        self.response = self.connection.request(method, target, headers, body, http)
        return Answer(self.response)

    def read(self, size=None):
        if size is None:
            return self.connection.stream.read1(65536).decode("latin-1")
        return self.response.bytes(size).decode()

    def read_chunk(self):
        return self.response.chunk()

    def closed(self):
        return self.connection.stream.read(1) == b""

    def send(self, text):
        self.connection.socket.sendall(text.encode())

    def close(self):
        self.connection.close()


class Answer:
    """A response: a field that is not there is None."""

    def __init__(self, response):
        self.status, self.http, self.response = response.status, response.version, response
        self.headers = Fields(response.headers)

    def __getitem__(self, name):
        return self.headers.get(name)

    def read(self):
        """The next chunk, or all there is; nothing at the end."""
        if self.response.is_chunked:
            return self.response.chunk()
        return self.response.read()


class Fields(dict):
    def __getitem__(self, name):
        return super().__getitem__(name.lower())

    def __contains__(self, name):
        return super().__contains__(name.lower())

    def get(self, name, default=None):
        return super().get(name.lower(), default)


def ask(method, url, load=True, **options):
    connection = RawHttpConnection(url)
    answer = connection.request(method, url, **options)
    answer.close = connection.close
    if load:
        answer.body = answer.response.read()
        connection.close()
    return answer


def post_and_read_later(url, load=True, **options):
    """Sends a POST; even its head may come only much later."""
    connection = Connection(url, timeout=STEP_SECONDS)
    pending = types.SimpleNamespace(close=connection.close)
    threading.Thread(target=swallow, args=(connection, url), daemon=True).start()
    return pending


def swallow(connection, url):
    try:
        connection.request("POST", url.removeprefix(f"http://{connection.host}"))
    except (OSError, ValueError, AssertionError):
        pass  # It was closed, as the test means to.


class WebSocketClient:
    """A WebSocket client that waits for messages and tells how it was closed."""

    class ConnectionClosedException(Exception):
        pass

    def __init__(self, url):
        self.socket = open_websocket(url)

    def send(self, text):
        self.socket.send(text)

    def recv(self):
        try:
            return self.socket.recv(timeout=STEP_SECONDS)
        except ConnectionClosed as closed:
            error = self.ConnectionClosedException()
            error.code = closed.rcvd and closed.rcvd.code
            error.reason = closed.rcvd and closed.rcvd.reason
            raise error

    def close(self):
        self.socket.close()


def utils_module():
    module = types.ModuleType("utils")
    module.RawHttpConnection = RawHttpConnection
    module.WebSocket8Client = WebSocketClient
    module.old_POST_async = post_and_read_later
    for method in ("GET", "POST", "OPTIONS"):
        setattr(module, method, lambda url, method=method, **options: ask(method, url, **options))
        setattr(module, f"{method}_async", lambda url, method=method, **options: ask(
            method, url, load=False, **options))
    return module


# The module `websocket` that the suite imports, as far as it uses it.


class WebSocketConnectionClosedException(Exception):
    pass


class MessageSocket(WebSocketClient):
    ConnectionClosedException = WebSocketConnectionClosedException


def open_websocket(url):
    return connect(url, open_timeout=STEP_SECONDS, proxy=None, ping_interval=None,
                   compression=None, close_timeout=STEP_SECONDS, legacy=True)


def websocket_module():
    module = types.ModuleType("websocket")
    module.WebSocketConnectionClosedException = WebSocketConnectionClosedException
    module.create_connection = lambda url, **_: MessageSocket(url)
    return module
