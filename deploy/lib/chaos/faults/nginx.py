"""nginx reloaded, and killed."""

import asyncio
import pathlib

from chaos.faults.registry import fault, require

RELOAD_SECONDS = 2


def workers(stage):
    pid = stage.cluster.pid("nginx")
    return set(pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@fault("nginx-reload", 2)
async def nginx_reload(stage):
    before = workers(stage)
    await stage.cluster.kill("nginx", "-HUP")
    await asyncio.sleep(RELOAD_SECONDS)
    new = workers(stage) - before
    require(new, "nginx has no new workers")
    stage.injected(f"nginx has {len(new)} new workers")


@fault("nginx-kill", 3)
async def nginx_kill(stage):
    connected = stage.count_connected()
    await stage.cluster.kill("nginx")
    require(stage.cluster.pid("nginx") is None and connected, "nginx lives, or carried nobody")
    stage.injected(f"nginx killed under {connected} connections")
    await stage.hold(0.2, 6)
    await stage.cluster.start("nginx")
