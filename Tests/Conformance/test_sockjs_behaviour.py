"""What SockJS clients rely on over HTTP, against the services of ws-echo."""

import json
import re
import threading
import time

import pytest

from sockjs import GO_AWAY, STILL_OPEN, Session
from streams import exchange

NOT_CACHED = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
PRELUDE = "h" * 2048 + "\n"
STREAMS = {"xhr_streaming": "POST", "eventsource": "GET", "htmlfile?c=cb": "GET"}


def wrapped(transport, frame):
    """A frame as a transport writes it."""
    match transport.partition("?")[0]:
        case "eventsource": return f"data: {frame}\r\n\r\n"
        case "htmlfile": return f"<script>\np({json.dumps(frame)});\n</script>\r\n"
        case "jsonp": return f"/**/cb({json.dumps(frame)});\r\n"
        case _: return f"{frame}\n"


# Pages


def test_the_greeting(url):
    for target in ("/echo", "/echo/"):
        response, text = exchange(url, "GET", target)
        assert (response.status, text) == (200, "Welcome to SockJS!\n")
        assert "set-cookie" not in response.headers


def test_info_differs_by_service_and_is_never_cached(url):
    seen = set()
    for service, websocket, cookie in (("echo", True, False),
                                       ("disabled_websocket_echo", False, False),
                                       ("cookie_needed_echo", True, True), ("echo", True, False)):
        response, text = exchange(url, "GET", f"/{service}/info", {"Origin": "http://a.example"})
        info = json.loads(text)
        seen.add(info.pop("entropy"))
        assert info == {"websocket": websocket, "cookie_needed": cookie, "origins": ["*:*"]}
        assert response.headers["cache-control"] == NOT_CACHED
        assert response.headers["access-control-allow-origin"] == "http://a.example"
        assert response.headers["access-control-allow-credentials"] == "true"
    assert len(seen) == 4 and all(0 <= number < 2 ** 32 for number in seen)


def test_the_iframe_page_is_cached_by_its_tag(url):
    tags = set()
    for name in ("iframe.html", "iframe-1.6.1.html", "iframe-x.html?t=7"):
        response, text = exchange(url, "GET", f"/echo/{name}")
        assert response.status == 200
        assert re.search(r'<script src="(/|https?://)[^"]+"></script>', text)
        assert "SockJS.bootstrap_iframe();" in text
        assert re.search(r"public, max-age=\d{7,}", response.headers["cache-control"])
        tags.add(response.headers["etag"])
    tag, = tags
    response, text = exchange(url, "GET", "/echo/iframe.html", {"If-None-Match": tag})
    assert (response.status, text) == (304, "")
    assert "content-type" not in response.headers


@pytest.mark.parametrize("target", [
    "/a", "/a.html", "//", "/a/a", "/a/a/", "/iframe.htm", "/iframe.HTML", "/iframe-/.html",
    "//xhr", "/a./a/xhr", "/a/a./xhr", "/./../xhr", "/a/b/c/xhr", "/a/%2e%2e/xhr"])
def test_other_paths_are_not_found(url, target):
    for method in ("GET", "POST"):
        response, _ = exchange(url, method, f"/echo{target}")
        assert response.status == 404


@pytest.mark.parametrize("target", ["info", "0/s/xhr", "0/s/xhr_streaming", "0/s/xhr_send"])
def test_preflights_are_answered_for_a_year(url, target):
    method = "GET" if target == "info" else "POST"
    for origin in ("http://a.example", "null"):
        response, text = exchange(url, "OPTIONS", f"/echo/{target}", {
            "Origin": origin, "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "x-a, x-b"})
        assert (response.status, text) == (204, "")
        assert method in response.headers["access-control-allow-methods"]
        assert response.headers["access-control-allow-headers"] == "x-a, x-b"
        assert response.headers["access-control-allow-origin"] == origin
        assert int(response.headers["access-control-max-age"]) > 10 ** 6
        assert response.headers["expires"]


# Sessions


def test_polling(echo):
    assert echo.poll() == "o\n"
    echo.send("one")
    echo.send("two", "three")
    assert echo.poll() == 'a["one","two","three"]\n'


def test_the_server_element_means_nothing(url, echo):
    assert echo.poll() == "o\n"
    echo.send("a")
    assert Session(f"{url}/echo", "999", echo.name).poll() == 'a["a"]\n'


def test_names_of_sessions_are_any_bytes_but_dots(url):
    for name in ("_", "1", "abc%20d", "-~!*"):
        session = Session(f"{url}/echo", session=f"{name}{time.monotonic_ns()}")
        assert session.poll() == "o\n"


def test_a_poll_waits_for_a_message(echo):
    assert echo.poll() == "o\n"
    got = []
    polling = threading.Thread(target=lambda: got.append(echo.poll()))
    polling.start()
    echo.send("late")
    polling.join(timeout=10)
    assert got == ['a["late"]\n']


def test_sending_to_no_session_is_not_found(echo):
    response, _ = echo.send_payload('["x"]')
    assert response.status == 404


@pytest.mark.parametrize("payload, text", [
    ('["x', "Broken JSON encoding."), ("", "Payload expected.")])
def test_a_bad_payload_is_refused_and_the_session_goes_on(echo, payload, text):
    assert echo.poll() == "o\n"
    response, answer = echo.send_payload(payload)
    assert response.status == 500 and text in answer
    echo.send("a")
    assert echo.poll() == 'a["a"]\n'


def test_an_empty_payload_is_a_sign_of_life(echo):
    assert echo.poll() == "o\n"
    echo.send()
    echo.send("a")
    assert echo.poll() == 'a["a"]\n'


def test_payloads_of_any_content_type(echo):
    types = ["text/plain", "T", "application/json", "application/xml", "", "text/xml",
             "application/json; charset=utf-8"]
    assert echo.poll() == "o\n"
    for kind in types:
        response, _ = echo.send_payload('["a"]', {"Content-Type": kind})
        assert response.status == 204
        assert response.headers["content-type"].replace(" ", "") == "text/plain;charset=UTF-8"
    assert json.loads(echo.poll()[1:]) == ["a"] * len(types)


def test_closed_sessions_say_why_to_every_poll(url):
    session = Session(f"{url}/close")
    assert session.poll() == "o\n"
    for _ in range(3):
        assert session.poll() == GO_AWAY + "\n"


def test_closed_sessions_are_forgotten_in_the_end(url):
    session = Session(f"{url}/close")
    assert session.poll() == "o\n"
    assert session.poll() == GO_AWAY + "\n"
    time.sleep(6)  # Longer than the 5 s that the server waits for a receiver.
    assert session.poll() == "o\n"


def test_one_receiver_at_a_time(echo):
    with echo.streaming("POST", "xhr_streaming") as first:
        assert [first.chunk(), first.chunk()] == [PRELUDE, "o\n"]
        for _ in range(2):
            with echo.streaming("POST", "xhr_streaming") as second:
                assert [second.chunk(), second.chunk()] == [PRELUDE, STILL_OPEN + "\n"]
                assert second.chunk() == ""
        assert echo.poll() == STILL_OPEN + "\n"
        echo.send("a")
        assert first.chunk() == 'a["a"]\n'


def test_a_receiver_that_breaks_off_ends_the_session(echo):
    with echo.streaming("POST", "xhr_streaming") as first:
        assert [first.chunk(), first.chunk()] == [PRELUDE, "o\n"]
    deadline = time.monotonic() + 10
    while (answer := echo.poll()) == STILL_OPEN + "\n":
        assert time.monotonic() < deadline
    assert answer in ("o\n", 'c[1002,"Connection interrupted"]\n')


# Streams


@pytest.mark.parametrize("transport", STREAMS)
def test_each_frame_is_a_chunk(echo, transport):
    with echo.streaming(STREAMS[transport], transport) as response:
        assert response.status == 200
        assert response.headers["cache-control"] == NOT_CACHED
        prelude = response.chunk()
        if transport == "xhr_streaming":
            assert prelude == PRELUDE
        elif transport == "eventsource":
            assert prelude == "\r\n"
        else:
            assert len(prelude) > 1024 and "var c = parent.cb;" in prelude
        assert response.chunk() == wrapped(transport, "o")
        echo.send("a")
        assert response.chunk() == wrapped(transport, 'a["a"]')
        echo.send_payload(r'["  \u0000\n\r "]')
        assert response.chunk() == wrapped(transport, r'a["  \u0000\n\r "]')


@pytest.mark.parametrize("transport", STREAMS)
def test_a_stream_ends_after_4096_bytes_and_nothing_is_lost(echo, transport):
    messages = [f"{number:0>128}" for number in range(80)]
    received, sizes, sent = [], [], 0
    while len(received) < len(messages):
        with echo.streaming(STREAMS[transport], transport) as response:
            response.chunk()
            sizes.append(0 if sizes else len(response.chunk()))
            while len(received) < len(messages):
                # One that was sent when the last stream had ended waits for this one.
                if sent == len(received):
                    echo.send(messages[sent])
                    sent += 1
                if not (chunk := response.chunk()):
                    break
                sizes[-1] += len(chunk)
                received += re.findall(r"\d{128}", chunk)
    assert received == messages
    frame = len(wrapped(transport, f'a["{messages[0]}"]'))
    assert len(sizes) >= 3
    assert all(4096 <= size < 4096 + frame for size in sizes[:-1]), sizes


def test_closing_ends_the_stream(url):
    session = Session(f"{url}/close")
    for frames in (["o\n", GO_AWAY + "\n"], [GO_AWAY + "\n"]):
        with session.streaming("POST", "xhr_streaming") as response:
            assert response.chunk() == PRELUDE
            assert [response.chunk() for _ in frames] == frames
            assert response.chunk() == ""


def test_clients_of_http_1_0_get_streams_until_the_end_of_the_connection(url):
    session = Session(f"{url}/close")
    with session.streaming("POST", "xhr_streaming", {"Connection": "keep-alive"}, "1.0") as stream:
        assert stream.status == 200
        assert "transfer-encoding" not in stream.headers
        assert "content-length" not in stream.headers
        assert stream.read() == PRELUDE + "o\n" + GO_AWAY + "\n"


# JSONP


def form(payload):
    return f"d={payload.replace('[', '%5B').replace(']', '%5D')}"


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_jsonp(echo):
    response, text = echo.request("GET", "jsonp?c=%63b")
    assert text == '/**/cb("o");\r\n'
    assert response.headers["content-type"].replace(" ", "") == (
        "application/javascript;charset=UTF-8")
    for headers, body in ((FORM, form('["a"]')), (FORM, "d=[]"),
                          ({"Content-Type": "text/plain"}, '["%61bc"]')):
        response, text = echo.request("POST", "jsonp_send", headers, body)
        assert (response.status, text) == (200, "ok")
    _, text = echo.request("GET", "jsonp?c=cb")
    assert text == '/**/cb("a[\\"a\\",\\"%61bc\\"]");\r\n'


@pytest.mark.parametrize("body, text", [
    (form('["a'), "Broken JSON encoding."), ("", "Payload expected."), ("d=", "Payload expected."),
    ("p=p", "Payload expected.")])
def test_a_bad_form_is_refused(echo, body, text):
    echo.request("GET", "jsonp?c=cb")
    response, answer = echo.request("POST", "jsonp_send", FORM, body)
    assert response.status == 500 and text in answer


@pytest.mark.parametrize("transport", ["jsonp", "htmlfile"])
def test_callbacks_are_names(echo, transport):
    response, text = echo.request("GET", transport)
    assert response.status == 500 and '"callback" parameter required' in text
    for name in ("%20", "*", "abc(", "abc%28", "a%0d%0aSet-Cookie:x"):
        response, text = echo.request("GET", f"{transport}?c={name}")
        assert response.status == 500 and 'invalid "callback" parameter' in text
        assert "set-cookie" not in response.headers


def test_no_message_leaves_the_script_it_is_written_into(echo):
    hostile = "</script><script>alert(1)</script><!--\u2028\u2029"
    with echo.streaming("GET", "htmlfile?c=cb") as response:
        response.chunk()
        response.chunk()
        echo.send(hostile)
        script = response.chunk()
        assert script.count("</script>") == 1 and "<!--" not in script
        literal = script.removeprefix("<script>\np(").removesuffix(");\n</script>\r\n")
        assert json.loads(json.loads(literal)[1:]) == [hostile]


# Cookies


@pytest.mark.parametrize("transport", ["xhr", "xhr_streaming", "eventsource", "htmlfile?c=cb",
                                       "jsonp?c=cb"])
@pytest.mark.parametrize("cookie", [None, "abc.node1"])
def test_the_cookie_of_the_balancer_comes_back(url, transport, cookie):
    session = Session(f"{url}/cookie_needed_echo")
    headers = {"Cookie": f"a=b; JSESSIONID={cookie}"} if cookie else {}
    method = "POST" if "xhr" in transport else "GET"
    with session.streaming(method, transport, headers) as response:
        name, path = response.headers["set-cookie"].split(";")
        assert name == f"JSESSIONID={cookie or 'dummy'}"
        assert path.strip().lower() == "path=/"


# Escaping


def test_what_browsers_mangle_is_escaped(echo):
    points = [*range(0x20), *range(0x200C, 0x2010), *range(0x2028, 0x2030),
              *range(0x2060, 0x2070), *range(0xFFF0, 0x10000)]
    message = "".join(map(chr, points)) + "plain é 漢 😀"
    assert echo.poll() == "o\n"
    echo.send(message)
    text = echo.poll()
    assert json.loads(text[1:]) == [message]
    assert not set(text.strip()) & set(map(chr, points))


def test_every_character_survives(echo):
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10000), 0x1F600, 0x10FFFF]))
    assert echo.poll() == "o\n"
    for payload in (json.dumps([everything]), json.dumps([everything], ensure_ascii=False)):
        response, _ = echo.send_payload(payload)
        assert response.status == 204
        assert json.loads(echo.poll()[1:]) == [everything]
