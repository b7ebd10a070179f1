"""A client in another language, over another WebSocket library."""

import json
import os
import pathlib
import subprocess

from chat import Client

PROGRAM = pathlib.Path(__file__).with_name("node_client.js")


def test_node_ws_and_python_chat(node, name):
    with Client(node.url, name("alice")) as alice:
        bob = subprocess.Popen(
            ["node", PROGRAM, node.url, name("bob"), f"@{alice.user}", "hi from node"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
        message = alice.next()
        assert message["body"]["text"] == "hi from node"
        alice.send(message["conv"], "hi from python")
        output, _ = bob.communicate(timeout=20)
        assert bob.returncode == 0
        frames = [json.loads(line) for line in output.splitlines()]
        assert [frame["type"] for frame in frames] == ["ready", "ack", "msg"]
        assert frames[2]["body"]["text"] == "hi from python"
