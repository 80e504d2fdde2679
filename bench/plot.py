"""The plot of time against rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

from bench.names import CASES, LIMIT, US

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

mpl.use("svg")
from matplotlib import pyplot as plt


def plot(found: Mapping[str, Sequence[Mapping[str, Any]]], path: Path) -> None:
    """Draw a panel for each database, with a pair of lines for each case.

    Args:
        found: {label of the database: measurements}.
        path: of the picture.
    """
    figure, panels = plt.subplots(1, len(found), figsize=(5.5 * len(found), 4.5), sharey=True, squeeze=False)
    for panel, (label, measurements) in zip(panels[0], found.items(), strict=True):
        for colour, case in zip(("tab:blue", "tab:orange", "tab:green"), CASES, strict=True):
            for who, style in ((US, "o-"), (LIMIT, "x:")):
                points = sorted((m["rows"], m["seconds"]) for m in measurements if (m["case"], m["who"]) == (case, who))
                panel.plot(*zip(*points, strict=True), style, color=colour, label=f"{who}, {case}")
        panel.set(xscale="log", yscale="log", xlabel="rows", ylabel="seconds", title=label)
        panel.grid(visible=True, which="major", alpha=0.3)
    panels[0][0].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
