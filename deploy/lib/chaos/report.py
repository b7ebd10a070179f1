"""What a run tells at its end."""

from chaos.conductor import SETTLE_SECONDS
from chaos.outbox import SENDS_MAX


def told(run, verdict, missing, disk, seed, seconds):
    """Prints everything of a run, the last line last; says whether it passed."""
    for name, recovery in sorted(verdict.recoveries.items()):
        print(f"{name:22} {recovery.count:3} times, {recovery.worst:5.2f} s until the last message "
              f"was there, {recovery.worst_quiet:5.2f} s where no next one came")
    for name, count in run.conductor.missed.items():
        print(f"{name:22} {count:3} times not injected")
    for name in run.conductor.unsettled:
        print(f"VIOLATION not whole {SETTLE_SECONDS} s after {name}")
    for what in missing:
        print(f"VIOLATION {what}")
    for what in run.conductor.fallen:
        print(f"VIOLATION a node ended by itself: {what}")
    for line in verdict.lines():
        print(line)
    if run.load.held_back:
        print(f"{run.load.held_back} messages not written: {SENDS_MAX} of their device had no ack")
    has_passed = is_clean(run, verdict, missing) and (disk is None or disk.is_clean)
    if run.keeps_folder:
        print(f"histories and logs: {run.cluster.folder}")
    counts = " ".join(f"{name}={count}" for name, count in sorted(run.conductor.injected.items()))
    worst, worst_quiet = verdict.worst()
    faults = sum(run.conductor.injected.values())
    print(f"seed {seed}: {seconds / 60:.1f} minutes, {faults} faults, {kinds(run, disk)} kinds "
          f"({counts}{disk_count(disk)}), {verdict.acked} messages acked, {verdict.checked} "
          f"deliveries checked, worst recovery {worst:.2f} s ({worst_quiet:.2f} s without a next "
          f"message), longest turn {1000 * verdict.longest_turn:.0f} ms: "
          f"{'PASS' if has_passed else 'FAIL'}")
    return has_passed


def is_clean(run, verdict, missing):
    """Whether nothing was found in the run itself, and it was there."""
    return (verdict.is_clean and not run.conductor.unsettled and not run.conductor.fallen
            and not missing)


def lacking(run, is_whole):
    """What a run that shows anything would have had; a whole one, all kinds of faults."""
    injected = run.conductor.injected
    wanted = run.conductor.names if is_whole else run.conductor.missed
    found = [f"{name} was never injected" for name in wanted if name not in injected]
    return found if injected else [*found, "no fault was injected"]


def kinds(run, disk):
    """How many were injected of those that were to be."""
    injected, wanted = len(run.conductor.injected), len(run.conductor.names)
    if disk is not None:
        injected, wanted = injected + (disk.count > 0), wanted + 1
    return f"{injected} of {wanted}"


def disk_count(disk):
    return "" if disk is None else f" full-disk={disk.count}"


def told_of_disk(disk):
    print(f"full-disk={disk.count}, {disk.acked} messages acked: "
          f"{'PASS' if disk.is_clean else 'FAIL'}")
    return disk.is_clean


def told_of_mutant(run, name, found, seconds, seconds_max):
    """Says whether the mutant was caught, in time."""
    is_caught = bool(found) and seconds <= seconds_max
    for kind, places in found.items():
        more = f" and {len(places) - 1} more" if places[1:] else ""
        print(f"{name}: {kind}: {places[0]}{more}")
    how = "caught" if is_caught else "CAUGHT TOO LATE" if found else "NOT CAUGHT"
    faults = sum(run.conductor.injected.values())
    print(f"{name}: {how} after {seconds:.0f} s and {faults} faults", flush=True)
    if not found:
        print(f"histories and logs: {run.cluster.folder}")
    return is_caught
