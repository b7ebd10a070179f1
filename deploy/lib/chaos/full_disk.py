"""A node of its own whose database cannot grow: SQLite says so, nothing acked is lost, and it goes
on when there is room again."""

import asyncio
import contextlib
import dataclasses
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from bench.programs import accepts, free_port
from chaos import database
from chaos.check import check
from chaos.check.record import load
from chaos.cluster import Failed
from chaos.device import Device
from chaos.journal import Journal
from chaos.load import Load
from chaos.monitor import Monitor
from chaos.plan import Plan
from chaos.shared import Shared

ROUNDS = 3
CALM_SECONDS = 4
RATE = 40
START_SECONDS, FULL_SECONDS, DRAIN_SECONDS = 20, 30, 30
# Room for a few messages more.
SPARE_BYTES = 32 * 1024


@dataclasses.dataclass
class FullDisk:
    """How often the disk was full, and what became of the messages."""

    count: int
    acked: int
    is_clean: bool


class Node:
    """An embedded node. The limit on the size of its files is its full disk: a write beyond it
    fails, since the signal that would come with it is ignored."""

    def __init__(self, build, folder):
        self.log = folder / "node.log"
        self.data = folder / "data"
        self.port, self.ops = free_port(), free_port()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [build / "chat-server", "--listen", f"127.0.0.1:{self.port}",
                 "--ops-listen", f"127.0.0.1:{self.ops}", "--data-dir", self.data,
                 "--send-rate", "0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                # Ignored by Python, and so by what it starts, unless that is undone.
                restore_signals=False)

    def pid(self, _):
        return self.process.pid if self.is_alive() else None

    def ops_port(self, _):
        return self.ops

    def is_alive(self):
        return self.process.poll() is None

    def set_full(self, is_full):
        size = max(path.stat().st_size for path in self.data.glob("chat.db*"))
        limit = size + SPARE_BYTES if is_full else resource.RLIM_INFINITY
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE,
                         (limit, resource.RLIM_INFINITY))

    def failures(self):
        return self.log.read_text(errors="replace").count("messages not stored")

    def end(self):
        if self.is_alive():
            self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=20)
        self.process.kill()
        self.process.wait()


async def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        await asyncio.sleep(0.05)


async def full_disk(seed, build, is_any_turn_allowed):
    """The scenario; prints what it found."""
    random.seed(seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="chat-chaos-disk-"))
    (folder / "history").mkdir()
    plan, shared = Plan.pair(), Shared()
    node = Node(build, folder)
    tasks, devices, journals = [], [], []
    try:
        await until(lambda: accepts(node.port), START_SECONDS, "the embedded node listens")
        devices = [Device(user, f"device-{number}", f"ws://127.0.0.1:{node.port}/ws", plan,
                          folder / "history", shared)
                   for user, count in plan.devices.items() for number in range(count)]
        tasks = [asyncio.create_task(device.run()) for device in devices]
        events, samples = journals = [Journal(folder / f"{name}.jsonl")
                                      for name in ("events", "samples")]
        tasks.append(asyncio.create_task(Monitor(node, samples, ("embedded",)).run()))
        count = await fill(node, devices, Load(plan, devices, RATE), events)
    except BaseException:
        print(f"full-disk: histories and log: {folder}", flush=True)
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for device in devices:
            await device.end()
        for journal in journals:
            journal.close()
        node.end()
    data = node.data / "chat.db"
    verdict = check(load(folder, database.sqlite_log(data), database.sqlite_marks(data)))
    if is_any_turn_allowed:
        verdict.violations.pop("long turn", None)
    for line in verdict.lines():
        print(line)
    is_clean = verdict.is_clean and count == ROUNDS
    if is_clean:
        shutil.rmtree(folder)
    else:
        print(f"full-disk: histories and log: {folder}")
    return FullDisk(count, verdict.acked, is_clean)


async def fill(node, devices, load, events):
    """Full and not full in turn, under load; how often it was seen to be full."""
    load.start()
    count = 0
    for _ in range(ROUNDS):
        await asyncio.sleep(CALM_SECONDS)
        before = node.failures()
        events.note("begin", fault="full-disk")
        node.set_full(True)
        await until(lambda: node.failures() > before, FULL_SECONDS, "the full disk shows")
        await asyncio.sleep(2)
        if not node.is_alive():
            raise Failed("the node ended when its disk was full")
        node.set_full(False)
        events.note("healed", fault="full-disk", missed=None)
        count += 1
        await asyncio.sleep(CALM_SECONDS)
        events.note("settled", fault="full-disk")
    await load.stop()
    await until(lambda: all(len(device.outbox) == 0 for device in devices), DRAIN_SECONDS,
                "all that was written is stored")
    await asyncio.sleep(1)
    return count
