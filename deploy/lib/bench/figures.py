"""What a figure is, and which there are."""

import dataclasses

from bench import stats


@dataclasses.dataclass
class Figure:
    """One measured value with the repeats it comes from.

    `value` is what bounds speak of: a ratio, or a count. `ours` and the lists in `beside` are the
    raw repeats, in `unit`.
    """

    name: str
    value: float
    unit: str
    ours: list
    beside: dict = dataclasses.field(default_factory=dict)
    repeats: list = dataclasses.field(default_factory=list)
    notes: dict = dataclasses.field(default_factory=dict)

    @property
    def spread(self):
        return stats.spread(self.repeats)

    def json(self):
        return {**dataclasses.asdict(self), "spread": self.spread}


def ratio(name, unit, ours, peers, above, below, **notes):
    """A figure that is a ratio of two of the series, `"ours"` or a name in `peers`."""
    series = {"ours": ours, **peers}
    repeats = stats.paired(series[above], series[below])
    return Figure(name, stats.median(repeats), unit, ours, peers, repeats, notes)


def count(name, unit, ours, beside=None, **notes):
    """A figure that stands for itself."""
    return Figure(name, stats.median(ours), unit, ours, beside or {}, ours, notes)


REGISTRY = {}


def measures(*names):
    """Marks a function that takes the bench and gives the figures of these names."""
    def register(function):
        for name in names:
            REGISTRY[name] = function
        function.names = names
        return function
    return register


def is_wanted(name, wanted):
    """A word stands for the figure of that name and for all that begin with it and a hyphen."""
    return not wanted or any(name == word or name.startswith(word + "-") for word in wanted)


def chosen(wanted):
    """The functions that measure the wanted figures, each once, in the registry's order; and the
    words that stand for nothing."""
    functions = dict.fromkeys(
        function for name, function in REGISTRY.items() if is_wanted(name, wanted))
    unknown = [word for word in wanted if not any(is_wanted(name, [word]) for name in REGISTRY)]
    return list(functions), unknown
