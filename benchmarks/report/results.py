"""What a scenario found: tables for people, series for a plot, and remarks that keep both honest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How thoroughly to measure: `quick` gives an idea within seconds, else figures to write down.

    `against` is another checkout of Flowra, which scenarios that can measure in turns with this one.
    """

    quick: bool = False
    rounds: int = 3  # of which the median counts
    against: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Cells are ready to print; the first column names the row."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Plot:
    """Lines over a common x; a point that was not measured is None. Written to docs/benchmarks/`name`.svg."""

    name: str
    title: str
    x_title: str
    y_title: str
    x: Sequence[float]
    lines: dict[str, Sequence[float | None]]
    is_logarithmic: bool = False  # of y


@dataclasses.dataclass(frozen=True, slots=True)
class Bars:
    """Groups of bars, one bar of each name in each group; what was not measured is None. Written as a Plot is."""

    name: str
    title: str
    groups: Sequence[str]
    bars: dict[str, Sequence[float | None]]
    is_logarithmic: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What one scenario has to say; `remarks` are whole sentences, among them what was left out and why."""

    scenario: str
    tables: Sequence[Table]
    plots: Sequence[Plot | Bars] = ()
    remarks: Sequence[str] = ()
    versions: dict[str, str] = dataclasses.field(default_factory=dict)  # of what took part
