"""The table for people and the object for programs."""

from bench import stats


def text(value):
    """As many digits as can matter."""
    if value == 0:
        return "0"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3
    return f"{value:,.{digits}f}"


def beside(figure):
    return ", ".join(f"{name} {text(stats.median(values))}"
                     for name, values in figure.beside.items())


def verdict(figure, kept):
    if kept is None:
        return "not kept"
    if kept.is_regression(figure.value):
        return f"WORSE than {text(kept.limit)}"
    return "ok" if kept.meets_bound(figure.value) else "short of the bound"


def row(figure, kept):
    bound = f"{'≥' if kept.is_floor else '≤'} {text(kept.bound)}" if kept else ""
    return [figure.name, text(figure.value), f"±{figure.spread * 100:.1f} %", bound,
            text(kept.value) if kept else "", text(stats.median(figure.ours)), beside(figure),
            figure.unit, verdict(figure, kept)]


def cells(figure):
    """What docs/performance.md keeps of a figure, and shows beside it."""
    return [text(figure.value), text(stats.median(figure.ours)), beside(figure), figure.unit]


HEAD = ["figure", "value", "spread", "bound", "kept", "ours", "beside", "unit", "verdict"]


def table(rows):
    """Columns as wide as they need to be."""
    rows = [HEAD, *rows]
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in rows)
