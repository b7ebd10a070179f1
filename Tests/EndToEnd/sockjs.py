"""A SockJS client without a browser: one method per thing that a client may do."""

import contextlib
import json
import urllib.parse
import uuid

from streams import TIMEOUT, Connection, exchange

GO_AWAY = 'c[3000,"Go away!"]'
STILL_OPEN = 'c[2010,"Another connection still open"]'


class Session:
    """A session of the service at `url`, by requests on connections of their own."""

    def __init__(self, url, server="000", session=None, query=""):
        self.base, self.query = url, query
        self.path = urllib.parse.urlsplit(url).path
        self.server, self.name = server, session or uuid.uuid4().hex

    def target(self, transport):
        transport, _, query = transport.partition("?")
        query = "&".join(filter(None, (query, self.query)))
        return f"{self.path}/{self.server}/{self.name}/{transport}" + (query and f"?{query}")

    def request(self, method, transport, headers=(), body=None, timeout=TIMEOUT):
        """A whole exchange; its response and text."""
        return exchange(self.base, method, self.target(transport), headers, body, timeout)

    @contextlib.contextmanager
    def streaming(self, method, transport, headers=(), version="1.1"):
        """A response that is read while it comes; left, its connection is cut."""
        with Connection(self.base) as connection:
            yield connection.request(method, self.target(transport), headers, version=version)

    def poll(self, headers=()):
        """One polling request; its text."""
        response, text = self.request("POST", "xhr", headers)
        assert response.status == 200, (response.status, text)
        return text

    def send_payload(self, payload, headers=()):
        """Sends a body as it is; the response and its text."""
        return self.request("POST", "xhr_send", headers, payload)

    def send(self, *messages):
        response, text = self.send_payload(json.dumps(messages))
        assert (response.status, text) == (204, ""), (response.status, text)
