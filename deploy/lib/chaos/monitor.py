"""What the nodes use: once a second, into a journal that the checker reads."""

import asyncio
import contextlib
import pathlib
import time

from chaos.cluster import NODES

INTERVAL = 1.0
SCRAPE_SECONDS = 5
TURN = "chat_loop_longest_turn_seconds"
QUEUES = "chat_queue_depth{"
LOOP_NAME = "loop-"
# A turn that was cut by a stop shows in the scrape after it.
EXCUSED_AFTER_SECONDS = 3


class Monitor:
    """Scrapes /metrics, which also begins the longest turn anew, and looks into /proc."""

    def __init__(self, cluster, journal, nodes=NODES):
        """`cluster` knows the process and the port of each node."""
        self.cluster, self.journal, self.nodes = cluster, journal, nodes
        self.frozen = {}
        self.waited = {}

    async def run(self):
        while True:
            await asyncio.gather(*(self.sample(node) for node in self.nodes))
            await asyncio.sleep(INTERVAL)

    @contextlib.contextmanager
    def excused(self, node):
        """The turns of a node that does not run say nothing."""
        self.frozen[node] = float("inf")
        try:
            yield
        finally:
            self.frozen[node] = time.monotonic() + EXCUSED_AFTER_SECONDS

    async def sample(self, node):
        pid = self.cluster.pid(node)
        if pid is None or self.frozen.get(node, 0) == float("inf"):
            return
        try:
            figures = await scrape(self.cluster.ops_port(node))
            usage = usage_of(pid)
        except (OSError, TimeoutError, ValueError, EOFError):
            return
        waited = loop_waits(pathlib.Path(f"/proc/{pid}/task"))
        before = self.waited.get(pid, {})
        self.waited[pid] = waited
        self.journal.note(
            "sample", node=node, pid=pid, turn=figures[TURN],
            # How long its loops were ready to run and another program had the processor.
            starved=max((wait - before.get(thread, 0) for thread, wait in waited.items()),
                        default=0),
            is_excused=time.monotonic() < self.frozen.get(node, 0),
            connections=figures["chat_connections"], pending=figures["chat_pending_bytes"],
            queued=sum(value for name, value in figures.items() if name.startswith(QUEUES)),
            **usage)


async def scrape(port):
    """Values by series."""
    async with asyncio.timeout(SCRAPE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: metrics\r\nConnection: close\r\n\r\n")
            text = (await reader.read()).decode()
        finally:
            writer.close()
    lines = text.partition("\r\n\r\n")[2].splitlines()
    return {series: float(value) for series, value in
            (line.rsplit(" ", 1) for line in lines if line.startswith("chat_"))}


def usage_of(pid):
    folder = pathlib.Path(f"/proc/{pid}")
    rollup = (folder / "smaps_rollup").read_text(encoding="ascii")
    return {"descriptors": len(list((folder / "fd").iterdir())),
            "memory": sum(1024 * int(line.split()[1]) for line in rollup.splitlines()
                          if line.startswith("Anonymous:"))}


def loop_waits(tasks):
    """Seconds in the run queue, by thread: of those that run a loop, whose turns these are."""
    waits = {}
    for thread in tasks.iterdir():
        with contextlib.suppress(OSError):
            if (thread / "comm").read_text().startswith(LOOP_NAME):
                waits[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
    return waits
