"""Numbers out of repeats."""

import statistics


def paired(numerators, denominators):
    """The ratio of each repeat: both were measured within seconds, so drift cancels out."""
    if len(numerators) != len(denominators):
        raise ValueError(f"{len(numerators)} repeats against {len(denominators)}")
    return [above / below for above, below in zip(numerators, denominators)]


def median(values):
    return statistics.median(values)


def spread(values):
    """Half of the distance between the quartiles, as a fraction of the median."""
    middle = median(values)
    if len(values) < 2 or middle == 0:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2 / abs(middle)


def alternating(items, repeats):
    """Each item `repeats` times, in turn and back: a b, b a, a b. Drift then favours nobody."""
    items = list(items)
    for repeat in range(repeats):
        yield from items if repeat % 2 == 0 else reversed(items)
