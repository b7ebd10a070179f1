"""Nodes that are killed, frozen, stopped in order, or doubled."""

import asyncio
import random
import time

from bench.programs import free_port
from chaos.cluster import NODES, run
from chaos.faults.registry import NotInjected, fault, require
from chaos.faults.restarting import kill, start, stop

FAIL_POINT_PASSES = (15, 45)
FAIL_POINT_SECONDS = 60
# Whom the node's end must meet, and about how long after they are there it comes.
FAIL_POINT_DEVICES, FAIL_POINT_QUIET_SECONDS = 4, 6
DEAD_QUIET_SECONDS = 2
FREEZE_SECONDS = 40
SECOND_PROCESS_SECONDS = 90


async def kill_and_start(stage, node):
    carried, before = stage.count_on(node), stage.cluster.pid(node)
    require(carried > 0, f"nobody is connected to {node}")
    await kill(stage, node)
    stage.injected(f"{node} killed with {carried} connections")
    # Below and above the 15 s of its lease.
    await stage.hold(0.2, 18)
    await start(stage, node, before)


@fault("kill-sender", 6)
async def kill_sender(stage):
    await kill_and_start(stage, stage.senders_node())


@fault("kill-receiver", 6)
async def kill_receiver(stage):
    await kill_and_start(stage, stage.receivers_node())


async def kill_at(stage, point):
    node = stage.any_node()
    # To be started with its end in its environment it has to be stopped first.
    await kill(stage, node)
    try:
        await die_at(stage, node, point, stage.rng.randint(*FAIL_POINT_PASSES))
    except NotInjected:
        if stage.cluster.pid(node) is not None:
            # Else it would meet its end whenever it comes to that.
            await stage.cluster.kill(node)
            await stage.cluster.start(node)
        raise
    await stage.hold(DEAD_QUIET_SECONDS, 18)
    await stage.cluster.start(node)


async def die_at(stage, node, point, passes):
    """With devices on it that reconnect elsewhere; half of the quiet messages are written before,
    half when it is gone."""
    before = len(stage.cluster.log(node))
    await stage.cluster.start(node, {"CHAT_FAIL_POINT": f"{point}:{passes}"})
    require(await stage.gather_on(node, FAIL_POINT_DEVICES), f"{node} has too few devices")
    quiet = random.sample(stage.plan.quiet(), len(stage.plan.quiet()))
    stage.write_quiet(FAIL_POINT_QUIET_SECONDS, quiet[::2])
    deadline, carried = time.monotonic() + FAIL_POINT_SECONDS, 0
    while stage.cluster.pid(node) is not None:
        require(time.monotonic() < deadline, f"{node} did not come {passes} times to {point}")
        carried = stage.count_on(node) or carried
        await asyncio.sleep(0.02)
    stage.write_quiet(DEAD_QUIET_SECONDS, quiet[1::2])
    line = f"fail point {point} passed {passes} times: killed"
    require(line in stage.cluster.log(node)[before:], f"{node} died of something else")
    stage.injected(f"{node}: {line}, with {carried} connections")


@fault("kill-before-commit", None, needs_fail_points=True)
async def kill_before_commit(stage):
    await kill_at(stage, "before-commit")


@fault("kill-after-commit", None, needs_fail_points=True)
async def kill_after_commit(stage):
    await kill_at(stage, "after-commit")


@fault("kill-after-publish", None, needs_fail_points=True)
async def kill_after_publish(stage):
    await kill_at(stage, "after-publish")


@fault("freeze-node", FREEZE_SECONDS)
async def freeze_node(stage):
    node = stage.receivers_node()
    with stage.monitor.excused(node):
        await stage.cluster.kill(node, "-STOP")
        await asyncio.sleep(0.2)
        require(stage.cluster.state_of(node) == "T", f"{node} is not stopped")
        stage.injected(f"{node} frozen for {FREEZE_SECONDS} s")
        await asyncio.sleep(FREEZE_SECONDS)
        require(stage.cluster.state_of(node) == "T", f"{node} went on by itself")
        await stage.cluster.kill(node, "-CONT")
        await stage.ready(node)


@fault("rolling-restart", 15)
async def rolling_restart(stage):
    for node in stage.rng.sample(NODES, len(NODES)):
        before, logged = stage.cluster.pid(node), len(stage.cluster.log(node))
        await stop(stage, node)
        said = stage.cluster.log(node)[logged:]
        require("leaving" in said and "at once" not in said, f"{node} left so: {said[-300:]}")
        await start(stage, node, before)
    stage.injected("every node stopped in order, and started")


@fault("second-process", 35)
async def second_process(stage):
    node = stage.any_node()
    first = stage.cluster.pid(node)
    base = stage.cluster.base
    output = await run(
        stage.cluster.build / "chat-server", "--node-id", node,
        "--listen", f"127.0.0.1:{free_port()}", "--ops-listen", f"127.0.0.1:{free_port()}",
        "--redis", f"redis://127.0.0.1:{base + 1}",
        "--amqp", f"amqp://guest:guest@127.0.0.1:{base + 2}",
        "--database", f"postgres://chat@127.0.0.1:{base + 5}/chat",
        check=False, seconds=SECOND_PROCESS_SECONDS)
    require(f"another process of node {node}" in output, f"it ended so: {output[-300:]}")
    require(stage.cluster.pid(node) == first, f"the first {node} is gone")
    stage.injected(f"a second {node} came and was refused")
