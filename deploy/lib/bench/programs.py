"""Starting, pinning and ending programs; each on free loopback ports, ended by its own process."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

from bench import process

ROOT = pathlib.Path(__file__).parents[3]
OURS = pathlib.Path(os.environ.get("CHAT_BUILD", ROOT / ".build/release"))
PEERS = pathlib.Path(os.environ.get("CHAT_PEERS", ROOT / "Tests/Peers/.build/release"))

SERVER_CORE, LOAD_CORE = 0, 1
DESCRIPTORS_MIN = 20_000


class Failed(Exception):
    """A measurement that came to nothing, with the reason."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def on_core(core, command):
    return [str(word) for word in command] if core is None else \
        ["taskset", "-c", str(core), *map(str, command)]


class Server:
    """A running server. `wrapper` is a command in front of it that stays, such as a tracer."""

    def __init__(self, command, port, core=SERVER_CORE, wrapper=(), patience=20):
        self.port = port
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            on_core(core, [*wrapper, *command]), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)
        try:
            wait_until(lambda: self.dead() or accepts(port), patience, f"{command[0]} listening")
            if self.dead():
                self.log.seek(0)
                raise Failed(f"{command[0]} ended with {self.process.returncode}: "
                             f"{self.log.read().decode(errors='replace')[-500:]}")
        except BaseException:
            self.end()
            raise

    def dead(self):
        return self.process.poll() is not None

    @property
    def pid(self):
        """The server itself: taskset becomes it."""
        return self.process.pid

    def cpu_seconds(self):
        return process.cpu_seconds(self.pid)

    def end(self, number=signal.SIGKILL):
        if not self.dead():
            self.process.send_signal(number)
        self.wait()
        self.log.close()

    def wait(self, patience=30):
        self.process.wait(timeout=patience)

    def end_inside(self, number=signal.SIGTERM):
        """Ends what the wrapper started, and waits for the wrapper to end too."""
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), number)
        self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def run(command, core=LOAD_CORE, patience=170):
    """Runs a program to its end; its standard output."""
    words = on_core(core, command)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=patience, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}".strip())
    return done.stdout


def run_json(command, **options):
    return json.loads(run(command, **options))
