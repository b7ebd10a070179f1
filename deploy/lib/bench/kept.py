"""The table of docs/performance.md that says what each figure has to be and what it was."""

import dataclasses
import re

BEGIN, END = "<!-- kept: begin -->", "<!-- kept: end -->"
ROW = re.compile(r"\|\s*`([^`]+)`\s*\|\s*(≥|≤)\s*([\d.,]+)\s*\|\s*([\d.,]+)\s*\|\s*(\d+) %\s*\|")


@dataclasses.dataclass(frozen=True)
class Kept:
    """`is_floor`: more is better. `tolerance` is the fraction that noise may take."""

    is_floor: bool
    bound: float
    value: float
    tolerance: float

    def meets_bound(self, value):
        return value >= self.bound if self.is_floor else value <= self.bound

    @property
    def limit(self):
        """Beyond this the figure has become worse."""
        return self.value * (1 - self.tolerance if self.is_floor else 1 + self.tolerance)

    def is_regression(self, value):
        return value < self.limit if self.is_floor else value > self.limit


def parse(text):
    """Figures by name, from the text of docs/performance.md."""
    if BEGIN not in text or END not in text:
        raise ValueError("docs/performance.md has no table of kept figures")
    table = text.split(BEGIN, 1)[1].split(END, 1)[0]
    kept = {}
    # The two lines of the head carry no figure.
    for line in [line for line in table.splitlines() if line.startswith("|")][2:]:
        match = ROW.fullmatch(line.strip())
        if not match:
            raise ValueError(f"no row of kept figures: {line}")
        name, sign, bound, value, tolerance = match.groups()
        if name in kept:
            raise ValueError(f"{name} is kept twice")
        kept[name] = Kept(sign == "≥", number(bound), number(value), int(tolerance) / 100)
    return kept


def number(text):
    return float(text.replace(",", ""))
