"""What /proc tells of a process."""

import os
import pathlib
import time


def private_bytes(pid):
    """Memory that is the process's own: what its end would give back."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return sum(1024 * int(line.split()[1]) for line in text.splitlines()
               if line.startswith(("Private_Clean:", "Private_Dirty:")))


def cpu_seconds(pid):
    """CPU time of all threads so far, exact to the call."""
    return time.clock_gettime(~pid << 3 | 2)


def pin(pid, core):
    """Puts all threads of a process on one core."""
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
