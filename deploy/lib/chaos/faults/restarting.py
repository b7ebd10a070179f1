"""A server that goes away, for a while, and comes back as another process."""

from chaos.cluster import NODES
from chaos.faults.registry import require


async def stop(stage, name):
    """In order: one that had to be killed in the end was not stopped so."""
    stage.disturbed(f"{name} is stopped")
    if not await stage.cluster.stop(name):
        stage.journal.note("hung", server=name, is_node=name in NODES)
        require(False, f"{name} did not stop")
    require(stage.cluster.pid(name) is None, f"{name} lives")


async def kill(stage, name):
    stage.disturbed(f"{name} is killed")
    await stage.cluster.kill(name)
    require(stage.cluster.pid(name) is None, f"{name} lives")


async def start(stage, name, before):
    """`before` was its process."""
    await stage.cluster.start(name)
    require(stage.cluster.pid(name) not in (None, before), f"{name} was not restarted")


async def restart(stage, name, called, end, shortest, longest):
    """`end` is one of the above; it is away for between so many seconds."""
    before = stage.cluster.pid(name)
    await end(stage, name)
    stage.injected(f"{called} is gone", name)
    await stage.hold(shortest, longest)
    await start(stage, name, before)
