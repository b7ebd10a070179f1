"""Runs a command and fails when it leaves a process behind.

As their subreaper it becomes the parent of every orphan below it, so none can hide.
"""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 3


def children():
    """Commands of the living children, by process."""
    tasks = pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    commands = {int(pid): pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in tasks}
    return {pid: command.replace(b"\0", b" ").decode(errors="replace")
            for pid, command in commands.items()}


def reap(options=os.WNOHANG):
    """Collects what has ended; the exit statuses by process."""
    ended = {}
    try:
        while (waited := os.waitpid(-1, options))[0]:
            ended[waited[0]] = os.waitstatus_to_exitcode(waited[1])
            options = os.WNOHANG
    except ChildProcessError:
        pass
    return ended


def main():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command = subprocess.Popen(sys.argv[1:])
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: command.terminate())
    status = None
    while status is None:
        status = reap(options=0).get(command.pid)
    command.returncode = status

    deadline = time.monotonic() + GRACE_SECONDS
    reap()
    while (left := children()) and time.monotonic() < deadline:
        time.sleep(0.05)
        reap()
    # Ending one may hand us its children.
    while remaining := children():
        for pid, line in remaining.items():
            print(f"left behind: {pid} {line[:200]}", flush=True)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    sys.exit(status if status else 1 if left else 0)


if __name__ == "__main__":
    main()
