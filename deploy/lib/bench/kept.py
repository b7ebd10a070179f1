"""The table of docs/performance.md that says what each figure has to be and what it was."""

import dataclasses
import re

BEGIN, END = "<!-- kept: begin -->", "<!-- kept: end -->"
# Figure, bound, kept, tolerance; what follows is for people.
ROW = re.compile(
    r"\| `([^`]+)` \| (≥|≤) ([\d.,]+) \| ([\d.,]+) \| (\d+) % \|(.*\|)?")


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


def split(text):
    """What is before the rows of the table, the rows, and what is behind."""
    if BEGIN not in text or END not in text:
        raise ValueError("docs/performance.md has no table of kept figures")
    before, rest = text.split(BEGIN, 1)
    table, after = rest.split(END, 1)
    lines = table.strip().splitlines()
    # The two lines of the head carry no figure.
    return before + BEGIN + "\n" + "\n".join(lines[:2]) + "\n", lines[2:], END + after


def parse(text):
    """Figures by name, from the text of docs/performance.md."""
    kept = {}
    for line in split(text)[1]:
        match = ROW.fullmatch(line.strip())
        if not match:
            raise ValueError(f"no row of kept figures: {line}")
        name, sign, bound, value, tolerance, _ = match.groups()
        if name in kept:
            raise ValueError(f"{name} is kept twice")
        kept[name] = Kept(sign == "≥", number(bound), number(value), int(tolerance) / 100)
    return kept


def updated(text, cells):
    """The text with the rows of the figures in `cells` renewed: name -> kept and what follows the
    tolerance. Bounds and tolerances stay."""
    before, rows, after = split(text)
    renewed = []
    for line in rows:
        match = ROW.fullmatch(line.strip())
        if match and match[1] in cells:
            name, sign, bound, _, tolerance, _ = match.groups()
            value, *rest = cells[name]
            line = f"| `{name}` | {sign} {bound} | {value} | {tolerance} % | {' | '.join(rest)} |"
        renewed.append(line)
    return before + "\n".join(renewed) + "\n" + after


def number(text):
    return float(text.replace(",", ""))
