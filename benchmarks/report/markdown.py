"""Results as text, and into docs/performance.md: each scenario has its place between two marks there.

<!-- begin fanout -->
(written by `make bench`; what stands here is replaced)
<!-- end fanout -->
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pygal
from pygal.style import Style

from benchmarks.measuring import machine
from benchmarks.report.results import Bars, Plot, Result, Table

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "performance.md"
_MOST_LABELS = 12  # on the x axis
_TITLE_HEIGHT = 45  # pixels of the x axis, which the legend below leaves out of account
_STYLE = Style(
    background="#ffffff",
    plot_background="#ffffff",
    font_family="system-ui, sans-serif",
    # Okabe and Ito's colours, which colour-blind people can tell apart.
    colors=(
        "#0072b2",
        "#d55e00",
        "#009e73",
        "#cc79a7",
        "#e69f00",
        "#56b4e9",
        "#000000",
        "#7f7f7f",
        "#8c564b",
        "#bcbd22",
        "#17becf",
    ),
)


def as_markdown(result: Result) -> str:
    """Return a result's tables, plots and remarks."""
    return "\n\n".join(_parts(result)) + "\n"


def _parts(result: Result) -> Iterator[str]:
    for table in result.tables:
        yield f"**{table.title}**"
        yield _table(table)
    for plot in result.plots:
        yield f"![{plot.title}](benchmarks/{plot.name}.svg)"
    if result.remarks:
        yield "\n".join(f"- {remark}" for remark in result.remarks)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(result.versions.items()))
    measured = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d} on {machine()}"
    yield f"<sub>Measured {measured}{'; ' + versions if versions else ''}.</sub>"


def _table(table: Table) -> str:
    rows: list[Sequence[str]] = [table.header, ["---"] + ["---:"] * (len(table.header) - 1), *table.rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def write_down(result: Result) -> None:
    """Put a result into its place in docs/performance.md and its plots beside; raises ValueError without a place."""
    begin, end = f"<!-- begin {result.scenario} -->", f"<!-- end {result.scenario} -->"
    page = PAGE.read_text()
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not place.search(page):
        raise ValueError(f"{PAGE.name} has no place for {result.scenario}: put {begin} and {end} there.")
    PAGE.write_text(place.sub(lambda _: f"{begin}\n\n{as_markdown(result)}\n{end}", page))
    for plot in result.plots:
        draw(plot, DOCS / "benchmarks" / f"{plot.name}.svg")


def draw(plot: Plot | Bars, path: Path) -> None:
    """Write a plot as an SVG that needs neither scripts nor the network."""
    common = {
        "style": _STYLE,
        "js": [],
        "title": plot.title,
        "logarithmic": plot.is_logarithmic,
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 3,
        "width": 900,
        "height": 580,
        "truncate_legend": -1,
    }
    if isinstance(plot, Bars):
        chart = pygal.Bar(**common)
        chart.x_labels = list(plot.groups)
        known = [value for values in plot.bars.values() for value in values if value is not None]
        if plot.is_logarithmic and known:
            # Else the smallest one has no height.
            chart.zero = min(known) / 2
            chart.range = (chart.zero, max(known) * 1.5)
        for name, values in plot.bars.items():
            chart.add(name, list(values))
    else:
        chart = pygal.XY(**common, x_title=plot.x_title, y_title=plot.y_title, dots_size=3, margin_bottom=_TITLE_HEIGHT)
        if len(plot.x) <= _MOST_LABELS:
            chart.x_labels = list(plot.x)
        for name, values in plot.lines.items():
            chart.add(name, [(x, y) for x, y in zip(plot.x, values, strict=True) if y is not None])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(chart.render())
