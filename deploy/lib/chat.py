"""A chat client for the terminal: lines typed go out, frames that come in are shown."""

import json
import sys
import threading
import uuid

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

HELP = """Type  @bob hello   to write to bob; the next lines go to bob too.
      /history     for what you and bob wrote before
      {...}        for any frame of docs/protocol.md
Ctrl-D ends."""


def show(frame):
    match frame["type"]:
        case "ready":
            print(f"You are {frame['user']} on {frame['node']}.")
            for known in frame["conversations"]:
                print(f"  {known['conv']}: {known['unread']} unread")
        case "msg":
            print(f"[{frame['conv']} {frame['seq']}] {frame['from']}: {text(frame)}")
        case "page":
            for item in frame["items"]:
                print(f"[{frame['conv']} {item['seq']}] {item['from']}: {text(item)}")
        case "ack":
            print(f"[{frame['conv']} {frame['seq']}] stored")
        case _:
            print(json.dumps(frame))


def text(message):
    return message["body"].get("text", json.dumps(message["body"]))


def listen(socket):
    try:
        for frame in socket:
            frames = json.loads(frame)
            for each in frames if isinstance(frames, list) else [frames]:
                show(each)
    except ConnectionClosed:
        pass
    print(f"Connection closed: {socket.close_code} {socket.close_reason}")


def frame_of(line, partner):
    """The frame that a typed line stands for."""
    if line.startswith("{"):
        return line
    if line == "/history":
        return json.dumps({"type": "history", "id": 1, "to": partner, "limit": 20})
    cid = str(uuid.uuid4())
    return json.dumps({"type": "send", "id": cid, "cid": cid, "to": partner,
                       "body": {"text": line}})


def talk(socket):
    """Sends what is typed until the end of input."""
    partner = None
    for line in map(str.strip, sys.stdin):
        if line.startswith(("@", "#")):
            partner, _, line = line.partition(" ")
        if not line:
            continue
        if partner is None and not line.startswith("{"):
            print("To whom? Begin with @name.")
            continue
        socket.send(frame_of(line, partner))


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: deploy/chat USER [URL]")
    user, url = sys.argv[1], (sys.argv[2:] or ["ws://127.0.0.1:8080/ws"])[0]
    try:
        with connect(f"{url}?user={user}", subprotocols=["chat.v1"], proxy=None) as socket:
            print(HELP)
            threading.Thread(target=listen, args=(socket,), daemon=True).start()
            talk(socket)
    except (OSError, InvalidHandshake) as error:
        sys.exit(f"cannot connect to {url}: {error}")
    except (ConnectionClosed, KeyboardInterrupt):
        pass


if __name__ == "__main__":
    main()
