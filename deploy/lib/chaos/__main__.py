"""deploy/chaos: what is asked for, and what came of it."""

import argparse
import asyncio
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

from chaos import report
from chaos.cluster import Failed
from chaos.faults import FAULTS
from chaos.full_disk import full_disk
from chaos.mutants import MUTANTS
from chaos.run import Run

BUILD = pathlib.Path(os.environ["CHAT_BUILD"])
MUTANT_SECONDS = 300
# In so many each kind of fault has its turn.
WHOLE_MINUTES = 25
FULL_DISK = "full-disk"
INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


def arguments():
    parser = argparse.ArgumentParser(
        prog="deploy/chaos", description="Injects faults into a cluster under load and checks that "
        "nothing is lost, doubled or reordered.", epilog="Exits with 1 on a violation, and keeps "
        "the folder with the histories and logs then.")
    parser.add_argument("--seed", type=int, help="chooses faults, users and times (a random one)")
    parser.add_argument("--minutes", type=float, default=5, help="of faults (5)")
    parser.add_argument("--faults", type=int, default=None, help="no more than so many")
    parser.add_argument("--only", nargs="+", metavar="FAULT", help="these faults; see --list")
    parser.add_argument("--mutant", choices=MUTANTS, metavar="NAME",
                        help="a server that is wrong in one way; ends when that is found")
    parser.add_argument("--mutants", action="store_true", help="all of them, one after the other")
    parser.add_argument("--rate", type=float, default=40, help="messages a second (40)")
    parser.add_argument("--any-turn", action="store_true",
                        help="do not judge how long turns take: for debug builds")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    parser.add_argument("--list", action="store_true", help="names of the faults and mutants")
    return parser.parse_args()


def has_fail_points():
    shown = subprocess.run([BUILD / "chat-server", "--version"], capture_output=True, text=True,
                           check=True).stdout
    return "fault injection" in shown


def wanted(options):
    """The faults to choose from, and whether the disk is to be full too."""
    names = options.only or [*FAULTS, FULL_DISK]
    if unknown := set(names) - set(FAULTS) - {FULL_DISK}:
        sys.exit(f"deploy/chaos: no fault {', '.join(sorted(unknown))}; see --list")
    names, is_disk_wanted = [name for name in names if name != FULL_DISK], FULL_DISK in names
    needy = [name for name in names if FAULTS[name].needs_fail_points]
    if needy and not has_fail_points():
        sys.exit(f"deploy/chaos: {', '.join(needy)}: not in this build, which has no fault "
                 f"injection; choose others with --only")
    return names, is_disk_wanted


async def chaos(options, seed):
    names, is_disk_wanted = wanted(options)
    started = time.monotonic()
    disk = await full_disk(seed, BUILD, options.any_turn) if is_disk_wanted else None
    if not names:
        return report.told_of_disk(disk)
    async with Run(seed, BUILD, rate=options.rate) as run:
        await run.conductor.run(names, time.monotonic() + 60 * options.minutes, options.faults)
        await run.rest()
        verdict = await run.verdict()
        if options.any_turn:
            verdict.violations.pop("long turn", None)
        is_whole = (options.only is None and options.faults is None
                    and options.minutes >= WHOLE_MINUTES)
        missing = report.lacking(run, is_whole)
        run.keeps_folder = options.keep or not report.is_clean(run, verdict, missing)
    return report.told(run, verdict, missing, disk, seed, time.monotonic() - started)


async def hunt(name, seed, seconds=MUTANT_SECONDS):
    """Runs a mutant until the checker says what it must; tells whether and when it did. What is
    found too late, because a fault had begun in time, does not count."""
    mutant = MUTANTS[name]
    if not has_fail_points():
        sys.exit("deploy/chaos: mutants need a build with fault injection")
    async with Run(seed, BUILD, mutant=name) as run:
        started = time.monotonic()
        found = {}
        while not found and time.monotonic() - started < seconds:
            await run.conductor.run(mutant.faults, float("inf"), len(mutant.faults))
            violations = (await run.verdict()).violations
            found = {kind: violations[kind] for kind in mutant.violations & set(violations)}
        took = time.monotonic() - started
        run.keeps_folder = not found
    return report.told_of_mutant(run, name, found, took, seconds)


async def hunt_all(seed):
    caught = [await hunt(name, seed) for name in MUTANTS]
    print(f"mutants: {sum(caught)} of {len(caught)} caught")
    return all(caught)


async def guarded(work):
    """A signal ends the work in order: what runs is ended, what is written is kept."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def interrupted():
        # Once: a second signal must not cut short what the first one began.
        for number in INTERRUPTS:
            loop.add_signal_handler(number, lambda: None)
        task.cancel()

    for number in INTERRUPTS:
        loop.add_signal_handler(number, interrupted)
    return await work


def main():
    options = arguments()
    if options.list:
        print("faults:", *FAULTS, FULL_DISK)
        print("mutants:", *MUTANTS)
        return 0
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    if options.mutants:
        work = hunt_all(seed)
    elif options.mutant:
        work = hunt(options.mutant, seed)
    else:
        work = chaos(options, seed)
    try:
        return 0 if asyncio.run(guarded(work)) else 1
    except Failed as failure:
        sys.exit(f"deploy/chaos: {failure}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("deploy/chaos: interrupted")


if __name__ == "__main__":
    sys.exit(main())
