"""A budget split over regions: who gets what in each split, and what each gains over the even one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cpdiffusion.outcomes.paired import CONFIDENCE
from cpdiffusion.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES, HEIGHT_INCHES = 15.0, 5.4
DARK = 0.6  # of the largest share, above which white letters can be read better
APART = 0.17  # of the assumptions of one split from its line
INTERVAL = f"{CONFIDENCE:.0%} interval".replace("%", " %")
Row = Mapping[str, Any]
Titles = Mapping[str, str]


@style.styled
def allocation_panels(
    figure: Figure, table: pd.DataFrame, splits: pd.DataFrame, titles: Titles, outcomes: Titles
) -> list[Axes]:
    """Left the budgets of every split; then for each outcome the difference to the even split.

    ``table``: rows with split, region, kind and budget_mkrw_per_year. ``splits``: rows with regions_differ,
    split, outcome, over_even and its ends over_even_low and over_even_high. ``titles`` names and orders the
    splits, ``outcomes`` the outcomes with their unit. The figure should be ``WIDTH_INCHES`` by
    ``HEIGHT_INCHES``.
    """
    left, *right = figure.subplots(1, 1 + len(outcomes), width_ratios=[1.35, *([1.0] * len(outcomes))])
    _draw_budgets(left, style.records(table), titles)
    rows = style.records(splits)
    for ax, (outcome, title) in zip(right, outcomes.items(), strict=True):
        _draw_gains(ax, [row for row in rows if row["outcome"] == outcome], titles, title)
    handles, labels = right[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower right", ncols=2, fontsize=style.TEXT_PT)
    return [left, *right]


def _draw_budgets(ax: Axes, rows: Sequence[Row], titles: Titles) -> None:
    style.tidy(ax, "Million KRW a year to each region", title_pad_pt=12.0)
    regions = list(dict.fromkeys(str(row["region"]) for row in rows))
    amount = np.zeros((len(regions), len(titles)))
    kind = {}
    for row in rows:
        place = regions.index(row["region"]), list(titles).index(row["split"])
        amount[place], kind[place] = row["budget_mkrw_per_year"], str(row["kind"])
    ax.imshow(amount, cmap="Blues", vmin=0.0, vmax=amount.max(), aspect="auto", gid="budgets")
    for place, value in np.ndenumerate(amount):
        line, column = place
        text = "–" if value == 0.0 else f"{value:,.0f}\n{kind[line, column].replace('_', ' ')}"
        ax.text(
            column, line, text, ha="center", va="center", size=style.TEXT_PT - 1, linespacing=1.1,
            color="white" if value > DARK * amount.max() else style.INK,
        )  # fmt: skip
    ax.set_xticks(range(len(titles)), [style.wrapped(title, 14) for title in titles.values()])
    ax.set_yticks(range(len(regions)), [region.title() for region in regions])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)


def _draw_gains(ax: Axes, rows: Sequence[Row], titles: Titles, title: str) -> None:
    compared = [row for row in rows if row["over_even"] == row["over_even"]]
    names = [name for name in titles if any(row["split"] == name for row in compared)]
    assumptions = list(dict.fromkeys(str(row["regions_differ"]) for row in rows))
    style.tidy(ax, "Gain over the even split, held-out seeds", title_pad_pt=12.0)
    style.around_zero(ax, [row[f"over_even{end}"] for row in compared for end in ("_low", "_high")])
    style.rows(ax, [style.wrapped(titles[name], 14) for name in names])
    for k, assumption in enumerate(assumptions):
        look = style.look(k)
        own = [row for row in compared if row["regions_differ"] == assumption]
        places = [names.index(row["split"]) + APART * (2 * k + 1 - len(assumptions)) for row in own]
        for place, row in zip(places, own, strict=True):
            name = f"{assumption} {row['split']}"
            style.interval(ax, place, row["over_even_low"], row["over_even_high"], look.colour, name, 2.6)
        ax.plot(
            [row["over_even"] for row in own], places, linestyle="none", marker=look.marker, markersize=6,
            color=look.colour, markeredgecolor=style.INK, markeredgewidth=0.7,
            label=f"regions differ {assumption}: mean, {INTERVAL}", gid=f"gains {k}",
        )  # fmt: skip
    ax.set_xlabel(title)
