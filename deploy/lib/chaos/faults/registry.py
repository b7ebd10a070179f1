"""The faults by name."""

import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    # How long it lasts at least from its begin on, for the quiet messages to be written meanwhile;
    # nothing when it has them written itself, once what it does can be felt.
    seconds: float | None
    # Whether the server must be built with fail points.
    needs_fail_points: bool
    # Injects, says so to the stage once it has seen it, holds, heals; at its end all is whole.
    run: typing.Callable


FAULTS = {}


def fault(name, seconds, needs_fail_points=False):
    """Enters a function under a name."""
    def enter(run):
        FAULTS[name] = Fault(name, seconds, needs_fail_points, run)
        return run
    return enter


class NotInjected(Exception):
    """What was to be broken was not seen to break: this does not count."""


def require(condition, what):
    if not condition:
        raise NotInjected(what)
