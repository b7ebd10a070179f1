"""Redis without its memory, or without time."""

import asyncio

from chaos.faults.registry import fault, require
from chaos.faults.restarting import start, stop


@fault("redis-restart", 5)
async def redis_restart(stage):
    keys = int(await stage.cluster.redis("DBSIZE"))
    require(keys > 0, "there was nothing to lose")
    before = stage.cluster.pid("redis")
    await stop(stage, "redis")
    stage.injected(f"Redis stopped, and {keys} keys with it", "redis")
    await stage.hold(0.2, 18)
    await start(stage, "redis", before)


@fault("redis-flushall", 2)
async def redis_flushall(stage):
    keys = int(await stage.cluster.redis("DBSIZE"))
    require(keys > 0, "there was nothing to lose")
    require(await stage.cluster.redis("FLUSHALL") == "OK", "FLUSHALL was refused")
    stage.injected(f"{keys} keys flushed", "redis")


@fault("redis-freeze", 8)
async def redis_freeze(stage):
    await stage.cluster.kill("redis", "-STOP")
    try:
        await asyncio.sleep(0.2)
        require(stage.cluster.state_of("redis") == "T", "Redis is not stopped")
        stage.injected("Redis frozen", "redis")
        await stage.hold(3, 20)
    finally:
        await stage.cluster.kill("redis", "-CONT")
