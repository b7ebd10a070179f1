"""nginx reloaded, and killed."""

import asyncio
import pathlib

from chaos.faults.registry import fault, require
from chaos.faults.restarting import kill, start

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
    connected, before = stage.count_connected(), stage.cluster.pid("nginx")
    require(connected > 0, "nginx carries nobody")
    await kill(stage, "nginx")
    stage.injected(f"nginx killed under {connected} connections")
    await stage.hold(0.2, 6)
    await start(stage, "nginx", before)
