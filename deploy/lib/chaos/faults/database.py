"""PostgreSQL restarted, killed, and cut off in the middle of a COMMIT."""

import asyncio
import os
import signal
import time

from chaos.faults.registry import fault, require
from chaos.faults.restarting import kill, restart, stop

WAIT_SECONDS = 20
# A commit that waits for a standby that there is not has been written, and not been answered.
HELD_COMMITS = ("SELECT pid FROM pg_stat_activity "
                "WHERE wait_event = 'SyncRep' AND query LIKE '%chat_append%'")


async def restart_database(stage, end):
    await restart(stage, "postgres", "the database", end, 0.2, 5)


@fault("database-restart", 4)
async def database_restart(stage):
    await restart_database(stage, stop)


@fault("database-kill", 4)
async def database_kill(stage):
    await restart_database(stage, kill)


async def hold_commits(stage, standby):
    await stage.cluster.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
    await stage.cluster.sql("SELECT pg_reload_conf()")


async def held_commits(stage):
    deadline = time.monotonic() + WAIT_SECONDS
    while not (shown := await stage.cluster.sql(HELD_COMMITS)).strip():
        require(time.monotonic() < deadline, "no commit came to be cut off")
        await asyncio.sleep(0.05)
    return [int(line) for line in shown.split()]


async def cut_commit(stage, cut):
    try:
        await hold_commits(stage, "nobody")
        held = await held_commits(stage)
        stage.disturbed(f"{len(held)} commits are held up")
        await cut(held)
        stage.injected(f"{len(held)} commits written, and their back ends gone without an answer")
    finally:
        await hold_commits_no_more(stage)


async def hold_commits_no_more(stage):
    """Also while the database recovers from a killed back end."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return await hold_commits(stage, "")
        except Exception:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


@fault("commit-terminated", 2)
async def commit_terminated(stage):
    async def cut(held):
        ended = await stage.cluster.sql(
            f"SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) "
            f"FROM unnest(ARRAY{held}) AS pid")
        require(int(ended) == len(held), f"{ended} of {len(held)} back ends terminated")
    await cut_commit(stage, cut)


@fault("commit-killed", 4)
async def commit_killed(stage):
    async def cut(held):
        os.kill(held[0], signal.SIGKILL)
        await asyncio.sleep(0.1)
        require(not os.path.exists(f"/proc/{held[0]}/exe"), "the back end lives")
    await cut_commit(stage, cut)
