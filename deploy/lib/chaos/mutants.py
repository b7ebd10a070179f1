"""The checker is checked: each mutant of the server must be found by what it breaks."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    # Faults that bring it out.
    faults: tuple
    # What the checker must say; any other violation is not this mutant.
    violations: frozenset


MUTANTS = {each.name: each for each in (
    Mutant("ack-before-commit", ("kill-sender", "kill-receiver", "database-kill"),
           frozenset({"acked, not stored", "shown, not stored"})),
    # Devices take over from one node to another all the time.
    Mutant("plain-del", ("nginx-reload", "link-slow"), frozenset({"late"})),
    # That a node sweeps when it has its queue again hides it from clients: the broker's own count
    # of what it let fall is what tells.
    Mutant("no-mandatory", ("queue-deleted",), frozenset({"dropped by the broker"})),
    Mutant("dedupe-in-memory", ("kill-after-commit", "kill-sender"), frozenset({"stored twice"})),
    Mutant("resume-skips-one", ("nginx-kill", "kill-receiver"), frozenset({"silent hole"})),
)}
