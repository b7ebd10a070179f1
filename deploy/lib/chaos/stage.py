"""What a fault sees of the run, and what it tells."""

import asyncio
import collections
import random
import time

from chaos.cluster import NODES
from chaos.faults.registry import require
from chaos.monitor import scrape

READY_SECONDS = 60
GATHER_SECONDS, GATHER_PAUSE_SECONDS, GATHER_AT_ONCE = 20, 0.5, 3
UNROUTABLE = ("lists:sum([maps:get(messages_unroutable_dropped_total, C, 0) "
              "|| C <- maps:values(rabbit_global_counters:overview())]).")


class Stage:
    """The cluster, who is connected where, and the run's journal."""

    def __init__(self, cluster, load, monitor, journal, rng):
        self.cluster, self.load, self.monitor = cluster, load, monitor
        self.plan, self.devices = load.plan, load.devices
        self.journal, self.rng = journal, rng
        self.evidence = None
        self.quiet = []

    def injected(self, evidence, server=None):
        """`server`: the one that it is of, if it is of one alone."""
        self.evidence = evidence
        self.journal.note("injected", evidence=evidence, server=server)

    def disturbed(self, how):
        """Something is done that may be felt, whether or not the fault comes to show."""
        self.journal.note("disturbed", how=how)

    async def hold(self, shortest, longest):
        await asyncio.sleep(self.rng.uniform(shortest, longest))

    def write_quiet(self, seconds, conversations=None):
        """One message in each of these, or in all quiet ones, within so many seconds from now."""
        if conversations is None:
            conversations = self.plan.quiet()
        self.quiet.append(asyncio.create_task(self.load.write_quiet(seconds, conversations)))

    async def quiet_written(self):
        tasks, self.quiet = self.quiet, []
        await asyncio.gather(*tasks)

    async def gather_on(self, node, count):
        """Has devices reconnect until so many are on the node; says whether they came to be."""
        deadline = time.monotonic() + GATHER_SECONDS
        while self.count_on(node) < count:
            if time.monotonic() > deadline or self.cluster.pid(node) is None:
                return False
            elsewhere = [each for each in self.devices if each.node not in (None, node)]
            for device in random.sample(elsewhere, min(GATHER_AT_ONCE, len(elsewhere))):
                device.drop()
            await asyncio.sleep(GATHER_PAUSE_SECONDS)
        return True

    async def ready(self, node):
        """Waits until the node serves: it may have lost its servers meanwhile."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                return await scrape(self.cluster.ops_port(node))
            except (OSError, TimeoutError, EOFError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.2)

    async def note_unroutable(self):
        """Messages that the broker let fall because no queue took them. Its counters are lost when
        it is restarted."""
        count = int((await self.cluster.erlang(UNROUTABLE)).split()[-1])
        self.journal.note("unroutable", count=count)

    async def note_queues(self):
        """Messages in each queue of the broker: those that wait, and those that a node has and has
        not acknowledged."""
        shown = await self.cluster.command(
            "rabbitmqctl", "--silent", "list_queues", "--no-table-headers", "name", "messages")
        queues = {name: int(count) for name, count in (
            line.rsplit("\t", 1) for line in shown.splitlines() if "\t" in line)}
        self.journal.note("queues", queues=queues)
        return queues

    # Nodes.

    def count_on(self, node):
        return sum(device.node == node for device in self.devices)

    def count_connected(self):
        return sum(device.is_connected for device in self.devices)

    async def ask_who_is_there(self):
        """Has somebody be told who is connected; says whether there was an answer."""
        connected = [each for each in self.devices if each.is_connected]
        require(connected, "nobody is connected")
        # Not drawn from the seed, which would give other faults then.
        answer = await random.choice(connected).ask(
            "presence.watch", users=[f"@{user}" for user in self.plan.devices])
        return answer is not None and answer["type"] == "ok"

    def any_node(self):
        return self.rng.choice(NODES)

    def senders_node(self):
        """Where somebody waits for an ack, or, if nobody does, where most are."""
        return self.busiest(device for device in self.devices if len(device.outbox))

    def receivers_node(self):
        """Where somebody listens whom only quiet conversations reach."""
        return self.busiest(device for device in self.devices if device.user in self.plan.idle)

    def busiest(self, devices):
        nodes = collections.Counter(device.node for device in devices if device.node)
        nodes = nodes or collections.Counter(each.node for each in self.devices if each.node)
        require(nodes, "nobody is connected")
        # Not always the same one.
        return self.rng.choices(list(nodes), list(nodes.values()))[0]
