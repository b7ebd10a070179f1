"""One fault after the other: inject, heal, and wait until everything has arrived."""

import asyncio
import itertools
import time

from chaos.cluster import NODES
from chaos.faults import FAULTS, NotInjected
from chaos.plan import key_of

CALM_SECONDS = 2
# The checker gives what was committed 5 s after the fault's end; the next fault would excuse it.
WATCHED_SECONDS = 6.5
SETTLE_SECONDS = 30
CHECK_SECONDS = 0.1
HEALED_QUIET_SECONDS = 0.5
FAULT_SECONDS_MAX = 240


def sequence(rng, names):
    """All of the faults in a random order, then all of them in another, without end."""
    while True:
        yield from rng.sample(names, len(names))


class Conductor:
    """Runs faults until the time is up; knows what was injected and how long it took to heal."""

    def __init__(self, stage, shared, journal):
        self.stage, self.shared, self.journal = stage, shared, journal
        # The kinds that are drawn from.
        self.names = ()
        self.injected = {}
        self.missed = {}
        # After which faults not everything arrived in time.
        self.unsettled = []
        # Nodes that ended without having been told to, and after which faults.
        self.fallen = []

    async def run(self, names, until, count=None):
        """Until a time, and no more than so many."""
        self.names = names
        for name in itertools.islice(sequence(self.stage.rng, names), count):
            if time.monotonic() >= until:
                return
            await self.inject(FAULTS[name])

    async def inject(self, fault):
        await asyncio.sleep(CALM_SECONDS)
        self.stage.evidence = None
        self.journal.note("begin", fault=fault.name)
        if fault.seconds is not None:
            self.stage.write_quiet(fault.seconds)
        reason = None
        try:
            async with asyncio.timeout(FAULT_SECONDS_MAX):
                await fault.run(self.stage)
            if self.stage.evidence is None:
                reason = "it did not show"
        except NotInjected as missed:
            reason = str(missed)
            # Whatever was half done is undone.
            await self.stage.cluster.command("up")
        healed = time.monotonic()
        counts = self.injected if reason is None else self.missed
        counts[fault.name] = counts.get(fault.name, 0) + 1
        self.journal.note("healed", fault=fault.name, missed=reason)
        # Once more, for what a fault has left behind.
        self.stage.write_quiet(HEALED_QUIET_SECONDS)
        recovery = await self.settle(healed)
        if recovery is None:
            self.unsettled.append(fault.name)
        await self.stage.quiet_written()
        await self.look_after_nodes(fault)
        self.tell(fault, reason, recovery)
        await asyncio.sleep(max(0, healed + WATCHED_SECONDS - time.monotonic()))
        await self.stage.note_queues()
        await self.stage.ask_who_is_there()
        self.journal.note("settled", fault=fault.name, seconds=recovery)

    def tell(self, fault, reason, recovery):
        how = "NOT INJECTED: " + reason if reason else self.stage.evidence
        took = "not everything arrived" if recovery is None else f"whole after {recovery:.1f} s"
        print(f"{fault.name}: {how}; {took}", flush=True)

    async def look_after_nodes(self, fault):
        """Every node was running when the fault was healed."""
        for node in NODES:
            if self.stage.cluster.pid(node) is None:
                self.fallen.append(f"{node} after {fault.name}")
                await self.stage.cluster.start(node)

    async def settle(self, healed):
        """Seconds until every device that is not away has all that was committed up to now, and
        an ack for all that it had written."""
        wanted = dict(self.shared.heads)
        while time.monotonic() < healed + SETTLE_SECONDS:
            if all(self.has_all(device, wanted) and not device.outbox.has_older(healed)
                   for device in self.stage.devices if device.is_online.is_set()):
                return time.monotonic() - healed
            await asyncio.sleep(CHECK_SECONDS)
        return None

    def has_all(self, device, wanted):
        """Guests may be out just now; the checker knows when they are not."""
        keys = {key_of(device.user, conv): place for conv, place in device.places.items()}
        return device.is_connected and all(
            place.last >= wanted.get(key, 0) or self.stage.plan.is_guest(device.user, key)
            for key, place in keys.items())
