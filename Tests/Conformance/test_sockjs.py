"""The test suite of SockJS against ws-echo.

The suite, https://github.com/sockjs/sockjs-protocol, has no licence and is not part of this
project. CHAT_SOCKJS_PROTOCOL names a checkout of it; without one, the other tests of SockJS are what
there is.
"""

import os
import pathlib
import unittest

import pytest
import sockjs_suite

from servers import Program, free_port

CHECKOUT = os.environ.get("CHAT_SOCKJS_PROTOCOL")
# CHAT_SOCKJS_URL names another server, to try the suite itself.
URL = os.environ.get("CHAT_SOCKJS_URL") or f"http://127.0.0.1:{free_port()}"

# Why ws-echo does not do what these tests ask.
REFUSED = {
    "Websocket.test_haproxy": "the handshake of hixie-76, a draft that RFC 6455 replaced in 2011",
}

if CHECKOUT is None:
    pytest.skip("CHAT_SOCKJS_PROTOCOL names no checkout of sockjs-protocol",
                allow_module_level=True)

CASES = sockjs_suite.load(pathlib.Path(CHECKOUT) / "sockjs-protocol.py", URL)


@pytest.fixture(scope="module")
def echo():
    if "CHAT_SOCKJS_URL" in os.environ:
        yield
        return
    port = int(URL.rsplit(":", 1)[1])
    with Program("ws-echo", "--listen", f"127.0.0.1:{port}") as echo:
        echo.await_port(port)
        yield
        assert echo.is_alive()


def test_no_case_is_left_out():
    assert len(CASES) == 68
    assert REFUSED.keys() < CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_case(echo, name, request):
    if name in REFUSED:
        request.node.add_marker(pytest.mark.xfail(strict=True, reason=REFUSED[name]))
    outcome = unittest.TestResult()
    CASES[name].run(outcome)
    assert outcome.testsRun == 1
    assert not outcome.errors + outcome.failures, outcome.errors + outcome.failures
