"""A chat node by itself, its metrics, and the load for nodes."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import urllib.request

from bench.programs import (LOAD_CORE, OURS, SERVER_CORE, Failed, Server, free_port, on_core,
                            wait_until)

TURN = "chat_loop_longest_turn_seconds"


def metrics(ops_port):
    """Values by series. The longest turn begins anew with each call."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ops_port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {series: float(value) for series, value in
            (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))}


class Node(Server):
    """An embedded chat-server with one event loop, in a data folder of its own."""

    def __init__(self, folder, core=SERVER_CORE):
        self.ops_port = free_port()
        port = free_port()
        self.data = tempfile.TemporaryDirectory(dir=folder)
        self.url = f"ws://127.0.0.1:{port}/ws"
        super().__init__(
            [OURS / "chat-server", "--node-id", "server1", "--listen", f"127.0.0.1:{port}",
             "--ops-listen", f"127.0.0.1:{self.ops_port}", "--event-loops", 1,
             "--send-rate", 0, "--data-dir", pathlib.Path(self.data.name)], port, core=core)

    def metrics(self):
        return metrics(self.ops_port)

    def wait_until_up(self, load, sessions):
        """Returns when so many sessions are on the node."""
        def up():
            if load.is_over():
                raise Failed("the sessions did not come up")
            return self.metrics()["chat_sessions"] == sessions
        wait_until(up, 60, f"{sessions} sessions")

    def end(self, number=signal.SIGKILL):
        super().end(number)
        self.data.cleanup()


class Load:
    """chat-bench, running. Its result counts only when it found nothing wrong."""

    def __init__(self, *options, core=LOAD_CORE):
        self.words = on_core(core, [OURS / "chat-bench", "--json", *options])
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.errors)

    def is_over(self):
        return self.process.poll() is not None

    def said(self):
        """Its standard error so far. Read by position: the program writes by the same offset."""
        return os.pread(self.errors.fileno(), 1 << 20, 0).decode(errors="replace")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def result(self, patience=170):
        """Waits for the end."""
        out, _ = self.process.communicate(timeout=patience)
        if self.process.returncode != 0:
            raise Failed(f"{' '.join(self.words)}: {self.process.returncode}\n{out.decode()}"
                         f"{self.said()[-1500:]}")
        return json.loads(out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.is_over():
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def chat(*options, **where):
    """Runs chat-bench to its end."""
    with Load(*options, **where) as load:
        return load.result()
