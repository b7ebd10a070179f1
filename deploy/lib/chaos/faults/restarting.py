"""A server that goes away, for a while, and comes back as another process."""

from chaos.faults.registry import require


async def restart(stage, name, called, how, shortest, longest):
    """`how` ends it; it is away for between so many seconds."""
    before = stage.cluster.pid(name)
    await how(name)
    require(stage.cluster.pid(name) is None, f"{called} lives")
    stage.injected(f"{called} is gone", name)
    await stage.hold(shortest, longest)
    await stage.cluster.start(name)
    require(stage.cluster.pid(name) != before, f"{called} was not restarted")
