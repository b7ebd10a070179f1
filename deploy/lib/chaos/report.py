"""What a run tells at its end."""

from chaos.conductor import SETTLE_SECONDS
from chaos.outbox import SENDS_MAX


def told(run, verdict, disk, seed, seconds):
    """Prints everything of a run, the last line last; says whether it passed."""
    for name, recovery in sorted(verdict.recoveries.items()):
        print(f"{name:22} {recovery.count:3} times, {recovery.worst:5.2f} s until the last message "
              f"was there, {recovery.worst_quiet:5.2f} s where no next one came")
    for name, count in run.conductor.missed.items():
        print(f"{name:22} {count:3} times not injected")
    for name in run.conductor.unsettled:
        print(f"VIOLATION not whole {SETTLE_SECONDS} s after {name}")
    for what in lacking(run):
        print(f"VIOLATION {what}")
    for what in run.conductor.fallen:
        print(f"VIOLATION a node ended by itself: {what}")
    for line in verdict.lines():
        print(line)
    if run.load.held_back:
        print(f"{run.load.held_back} messages not written: {SENDS_MAX} of their device had no ack")
    has_passed = is_clean(run, verdict) and (disk is None or disk.is_clean)
    if run.keeps_folder:
        print(f"histories and logs: {run.cluster.folder}")
    counts = " ".join(f"{name}={count}" for name, count in sorted(run.conductor.injected.items()))
    worst, worst_quiet = verdict.worst()
    print(f"seed {seed}: {seconds / 60:.1f} minutes, {sum(run.conductor.injected.values())} faults "
          f"({counts}{disk_count(disk)}), {verdict.acked} messages acked, {verdict.checked} "
          f"deliveries checked, worst recovery {worst:.2f} s ({worst_quiet:.2f} s without a next "
          f"message), longest turn {1000 * verdict.longest_turn:.0f} ms: "
          f"{'PASS' if has_passed else 'FAIL'}")
    return has_passed


def is_clean(run, verdict):
    """Whether nothing was found in the run itself, and it was there."""
    return (verdict.is_clean and not run.conductor.unsettled and not run.conductor.fallen
            and not lacking(run))


def lacking(run):
    """What a run that shows anything would have had."""
    injected, missed = run.conductor.injected, run.conductor.missed
    found = [f"{name} was never injected" for name in missed if name not in injected]
    return found if injected else [*found, "no fault was injected"]


def disk_count(disk):
    return "" if disk is None else f" full-disk={disk.count}"


def told_of_disk(disk):
    print(f"full-disk={disk.count}, {disk.acked} messages acked: "
          f"{'PASS' if disk.is_clean else 'FAIL'}")
    return disk.is_clean


def told_of_mutant(run, name, found, seconds):
    """Says whether the mutant was caught."""
    for kind, places in found.items():
        more = f" and {len(places) - 1} more" if places[1:] else ""
        print(f"{name}: {kind}: {places[0]}{more}")
    how = "caught" if found else "NOT CAUGHT"
    faults = sum(run.conductor.injected.values())
    print(f"{name}: {how} after {seconds:.0f} s and {faults} faults", flush=True)
    if not found:
        print(f"histories and logs: {run.cluster.folder}")
    return bool(found)
