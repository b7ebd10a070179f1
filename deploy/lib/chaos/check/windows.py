"""The faults by time, and what they are an excuse for."""

import dataclasses

# What every check allows, once no fault is there any more.
ALLOWED_SECONDS = 5.0
# Acks wait for the database alone: that one of these is away holds up none.
BESIDE_ACKS = ("redis", "rabbitmq")


@dataclasses.dataclass(frozen=True)
class Window:
    """A fault from its begin until all was healed."""

    name: str
    begin: float
    end: float
    # Why it does not count, if it does not.
    missed: str | None
    # The server that it is of, where it is of one.
    server: str | None
    # Whether anything was done to the system, also where it does not count.
    was_felt: bool

    @property
    def holds_up_acks(self):
        return self.server not in BESIDE_ACKS


def windows(events):
    """What was injected, and what was tried in vain."""
    found, begin, server, was_felt = [], None, None, False
    for event in events:
        match event["e"]:
            case "begin":
                begin, server, was_felt = event, None, False
            case "disturbed":
                was_felt = True
            case "injected":
                server, was_felt = event.get("server"), True
            case "healed" if begin is not None:
                found.append(Window(begin["fault"], begin["t"], event["t"], event["missed"],
                                    server, was_felt))
                begin = None
    return found


def without_faults(since, faults):
    """From when on the time allowed counts: from the end of a fault that was there within it. And
    the fault, if there was one."""
    fault = None
    for window in faults:
        if window.was_felt and window.begin - ALLOWED_SECONDS <= since < window.end:
            since, fault = window.end, window.name
    return since, fault
