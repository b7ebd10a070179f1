"""What the tests of SockJS share: the services of ws-echo, or of another server.

CHAT_SOCKJS_URL names one with the same services, to try the tests themselves.
"""

import os

import pytest

from servers import Program, free_port
from sockjs import Session


@pytest.fixture(scope="module")
def url():
    if url := os.environ.get("CHAT_SOCKJS_URL"):
        yield url
        return
    port = free_port()
    with Program("ws-echo", "--listen", f"127.0.0.1:{port}") as echo:
        echo.await_port(port)
        yield f"http://127.0.0.1:{port}"
        assert echo.is_alive()


@pytest.fixture
def echo(url):
    return Session(f"{url}/echo")
