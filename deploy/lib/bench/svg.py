"""Line charts, written as SVG by hand."""

import dataclasses
import html
import math

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 78, 58
# Distinct for all kinds of colour vision, and dark enough for thin lines on white.
COLOURS = ["#0060a8", "#c8501e", "#00825f", "#8d4a97", "#5c5c5c", "#a07800"]
INK, FAINT = "#222222", "#dddddd"


@dataclasses.dataclass(frozen=True)
class Axis:
    label: str
    is_log: bool = False


@dataclasses.dataclass(frozen=True)
class Line:
    """`points` are pairs in rising order of x; `is_dashed` sets a companion apart."""

    name: str
    points: list
    colour: int
    is_dashed: bool = False


def short(value):
    """A tick's label: 20k, 1.5M, 0.5."""
    for limit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:g}{letter}"
    return f"{value:g}"


def ticks(low, high, is_log):
    """Round numbers; the first is at or below `low`, the last at or above `high`."""
    if is_log:
        steps = [factor * 10.0 ** decade for decade in
                 range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
                 for factor in (1, 2, 5)]
        first = max(step for step in steps if step <= low * (1 + 1e-9))
        last = min(step for step in steps if step >= high * (1 - 1e-9))
        chosen = [step for step in steps if first <= step <= last]
        # One value alone has no scale.
        if len(chosen) == 1:
            chosen.append(10 * first)
        # Over many decades the ones alone are enough, with the ends.
        return chosen if len(chosen) <= 10 else [
            step for step in chosen
            if step in (first, last) or math.isclose(math.log10(step) % 1, 0, abs_tol=1e-9)]
    rough = (high - 0) / 6 or 1
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    return [step * index for index in range(math.ceil(high / step - 1e-9) + 1)]


class Scale:
    """From values to positions; a linear axis begins at zero."""

    def __init__(self, values, axis, start, end):
        self.ticks = ticks(min(values), max(values), axis.is_log)
        self.is_log, self.start, self.end = axis.is_log, start, end

    def __call__(self, value):
        low, high = self.ticks[0], self.ticks[-1]
        share = (math.log(value / low) / math.log(high / low) if self.is_log
                 else (value - low) / (high - low))
        return self.start + share * (self.end - self.start)


def text(x, y, content, anchor="middle", **attributes):
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>' \
           f"{html.escape(content)}</text>"


def grid(across, up, x, y):
    """Grid lines with their numbers, and the names of the axes."""
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for tick in across.ticks:
        at = across(tick)
        yield f'<path d="M{at:.1f} {TOP}V{bottom}" stroke="{FAINT}"/>'
        yield text(at, bottom + 18, short(tick))
    for tick in up.ticks:
        at = up(tick)
        yield f'<path d="M{LEFT} {at:.1f}H{right}" stroke="{FAINT}"/>'
        yield text(LEFT - 8, at + 4, short(tick), "end")
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{right}" stroke="{INK}" fill="none"/>'
    yield text((LEFT + right) / 2, HEIGHT - 14, x.label)
    middle = (TOP + bottom) / 2
    yield text(18, middle, y.label, transform=f"rotate(-90 18 {middle:.1f})")


def legend(lines):
    at = LEFT
    for line in lines:
        yield stroke(line, f"M{at} 54h26")
        yield text(at + 32, 58, line.name, "start")
        at += 32 + 7.2 * len(line.name) + 22


def stroke(line, path):
    dash = ' stroke-dasharray="6 4"' if line.is_dashed else ""
    return f'<path d="{path}" fill="none" stroke="{COLOURS[line.colour]}" ' \
           f'stroke-width="2"{dash}/>'


def chart(title, x, y, lines):
    """One chart with a grid, a legend and the lines."""
    points = [point for line in lines for point in line.points]
    across = Scale([point[0] for point in points], x, LEFT, WIDTH - RIGHT)
    up = Scale([point[1] for point in points], y, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12.5" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 28, title, "start", font_size=16, font_weight="bold"),
        *grid(across, up, x, y), *legend(lines)]
    for line in lines:
        places = [(across(a), up(b)) for a, b in line.points]
        parts.append(stroke(line, "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in places)))
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{COLOURS[line.colour]}"/>'
                  for a, b in places]
    return "\n".join([*parts, "</svg>", ""])
