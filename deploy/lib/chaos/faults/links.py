"""One link between a node and a server: cut, frozen, half open, slow, a byte at a time."""

from chaos.cluster import NODES, SERVERS
from chaos.faults.registry import fault, require


async def hinder(stage, kind, shortest, longest):
    server = stage.rng.choice(SERVERS)
    link = f"{stage.rng.choice(NODES)}.{server}"
    carried = await stage.cluster.set_link(link, kind)
    try:
        require(carried["open"] > 0, f"{link} carried nothing")
        if kind == "cut":
            stage.injected(f"{link} cut, {carried['open']} connections", server)
        await stage.hold(shortest, longest)
    finally:
        done = await stage.cluster.set_link(link, "whole")
    if kind != "cut":
        require(done["hindered"] > 0, f"nothing went over {link} meanwhile")
        stage.injected(f"{link} {kind}: {done['hindered']} times hindered", server)


@fault("link-cut", 3)
async def link_cut(stage):
    await hinder(stage, "cut", 0.2, 15)


@fault("link-frozen", 5)
async def link_frozen(stage):
    await hinder(stage, "frozen", 3, 20)


@fault("link-one-way", 5)
async def link_one_way(stage):
    await hinder(stage, stage.rng.choice(("mute", "deaf")), 3, 20)


@fault("link-slow", 6)
async def link_slow(stage):
    await hinder(stage, "slow", 5, 12)


@fault("link-dribble", 5)
async def link_dribble(stage):
    await hinder(stage, "dribble", 4, 10)
