"""Headless Chromium, and the server of the pages that it shows."""

import contextlib
import http.server
import pathlib
import threading
import urllib.parse

from playwright.sync_api import sync_playwright

HERE = pathlib.Path(__file__).parent
# The client as Debian builds it for browsers.
SOCKJS_CLIENT = pathlib.Path("/usr/share/nodejs/sockjs-client/dist/sockjs.js")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Pages(http.server.BaseHTTPRequestHandler):
    """Serves files by their paths."""

    files = {"/page.html": (HERE / "sockjs_page.html", "text/html; charset=utf-8"),
             "/sockjs.js": (SOCKJS_CLIENT, "text/javascript; charset=utf-8")}

    def do_GET(self):
        path, kind = self.files.get(self.path.partition("?")[0], (None, None))
        body = path.read_bytes() if path else b""
        self.send_response(200 if path else 404)
        self.send_header("Content-Length", str(len(body)))
        if kind:
            self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def page_server():
    """The URL of a server of the pages, an Origin of its own."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def chromium(*flags):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def show(route):
    """Answers a page's request in place of the server that it is meant for."""
    file, kind = Pages.files[urllib.parse.urlsplit(route.request.url).path]
    route.fulfill(path=file, content_type=kind)


class Page:
    """A user in a browser; see sockjs_page.html."""

    def __init__(self, browser, pages, seconds=30, origin=None):
        """The page is of the Origin of its server, or of another one that need not serve it."""
        self.page = browser.new_page()
        self.page.set_default_timeout(seconds * 1000)
        if origin:
            for path in Pages.files:
                self.page.route(origin + path, show)
        self.page.goto(f"{origin or pages}/page.html")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()

    def open(self, url, transport, user):
        self.user = user
        return self.page.evaluate("options => chat.open(...options)", [url, transport, user])

    def send(self, to, text):
        self.page.evaluate("([to, text]) => chat.send(to, text)", [to, text])

    def send_all(self, to, texts, window):
        """Begins to send texts; `acks` tells when they are stored."""
        self.page.evaluate("options => chat.sendAll(...options)", [to, texts, window])

    def texts(self, count):
        """The texts of all messages, once there are `count`."""
        return self.await_list("texts", count)

    def acks(self, count):
        return self.await_list("acks", count)

    def await_list(self, name, count):
        self.page.wait_for_function(
            "([name, count]) => chat.closed || chat[name]().length >= count", arg=[name, count])
        assert self.page.evaluate("chat.closed") is None
        return self.page.evaluate("name => chat[name]()", name)
