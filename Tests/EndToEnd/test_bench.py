"""The parts of deploy/bench that need no measurement."""

import random
import subprocess
import xml.etree.ElementTree

import pytest

from bench import figures, kept, report, stats, svg
from servers import ROOT

TABLE = f"""text before
{kept.BEGIN}
| figure | bound | kept | tolerance |
| --- | --- | --- | --- |
| `fast` | ≥ 0.97 | 0.98 | 5 % |
| `small` | ≤ 1,000 | 900 | 10 % |
{kept.END}
"""


def test_repeats_are_compared_with_those_beside_them():
    assert stats.paired([10, 30], [5, 10]) == [2, 3]
    with pytest.raises(ValueError):
        stats.paired([1, 2], [1])


def test_drift_favours_nobody():
    order = list(stats.alternating("ab", 4))
    assert order == list("abbaabba")
    clock = {name: sum(at for at, each in enumerate(order) if each == name) for name in "ab"}
    assert clock["a"] == clock["b"]


def test_one_wild_repeat_does_not_move_the_figure():
    calm = [1.0 + random.Random(7).random() / 100 for _ in range(9)]
    assert abs(stats.median([*calm, 50.0]) - stats.median(calm)) < 0.01
    assert stats.spread([*calm, 50.0]) < 0.05
    assert stats.spread([3.0]) == 0.0


def test_a_ratio_says_which_is_above():
    figure = figures.ratio("fast", "ns", [4, 5], {"floor": [2, 4]}, "floor", "ours")
    assert figure.repeats == [0.5, 0.8]
    assert figure.value == pytest.approx(0.65)


def test_the_table_is_read():
    table = kept.parse(TABLE)
    assert list(table) == ["fast", "small"]
    assert table["fast"] == kept.Kept(True, 0.97, 0.98, 0.05)
    assert table["small"] == kept.Kept(False, 1000, 900, 0.1)


@pytest.mark.parametrize("broken", [
    TABLE.replace(kept.BEGIN, ""),
    TABLE.replace("≥ 0.97", "about 0.97"),
    TABLE.replace("`small`", "`fast`"),
    TABLE.replace("| 10 % |", "| |"),
    TABLE.replace("| 5 % |", "| 5 % | no end"),
])
def test_a_broken_table_is_refused(broken):
    with pytest.raises(ValueError):
        kept.parse(broken)


def test_a_renewed_row_keeps_its_bound_and_tolerance():
    text = kept.updated(TABLE, {"small": ["800", "800", "floor 700", "calls"]})
    assert "| `small` | ≤ 1,000 | 800 | 10 % | 800 | floor 700 | calls |" in text
    assert kept.parse(text) == {
        **kept.parse(TABLE), "small": kept.Kept(False, 1000, 800, 0.1)}
    assert text.startswith("text before\n") and text.endswith(kept.END + "\n")


@pytest.mark.parametrize("name, value, is_worse, meets", [
    ("fast", 0.93, True, False),
    ("fast", 0.94, False, False),
    ("fast", 0.98, False, True),
    ("small", 990, False, True),
    ("small", 991, True, True),
    ("small", 1200, True, False),
])
def test_worse_is_worse_than_what_is_kept_less_the_noise(name, value, is_worse, meets):
    entry = kept.parse(TABLE)[name]
    assert entry.is_regression(value) == is_worse
    assert entry.meets_bound(value) == meets


def test_every_figure_has_its_row_in_the_documentation():
    table = kept.parse((ROOT / "docs/performance.md").read_text(encoding="utf-8"))
    listed = subprocess.run([ROOT / "deploy/bench", "--list"], capture_output=True, text=True,
                            timeout=20, check=True).stdout.split()
    assert sorted(table) == sorted(listed)


def test_an_unknown_figure_is_refused():
    done = subprocess.run([ROOT / "deploy/bench", "--list", "--only", "speed"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert "speed" in done.stderr


def test_the_report_shows_what_became_worse():
    figure = figures.count("small", "calls", [991, 991, 991])
    line = report.table([report.row(figure, kept.parse(TABLE)["small"])]).splitlines()[1]
    assert line.startswith("small") and "WORSE than 990" in line


@pytest.mark.parametrize("low, high, is_log", [
    (1, 1, True), (1_000, 15_000, True), (0.3, 1_900, True), (3, 27, False), (0.1, 0.4, False)])
def test_ticks_enclose_what_is_drawn(low, high, is_log):
    chosen = svg.ticks(low, high, is_log)
    assert chosen == sorted(set(chosen))
    assert 2 <= len(chosen) <= 12
    assert chosen[0] <= low and chosen[-1] >= high


def test_a_chart_is_whole_and_inside_its_frame():
    text = svg.chart("a < b", svg.Axis("load", True), svg.Axis("time"), [
        svg.Line("one", [(1, 5), (10, 9)], 0), svg.Line("two", [(1, 2)], 1, is_dashed=True)])
    root = xml.etree.ElementTree.fromstring(text)
    circles = [each for each in root if each.tag.endswith("circle")]
    assert len(circles) == 3
    assert all(svg.LEFT <= float(each.get("cx")) <= svg.WIDTH - svg.RIGHT for each in circles)
    assert all(svg.TOP <= float(each.get("cy")) <= svg.HEIGHT - svg.BOTTOM for each in circles)
    assert {"a < b", "load", "time", "one", "two"} <= {each.text for each in root}
