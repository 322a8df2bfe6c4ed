"""``study=measures``: network-diffusion measures of observed times of adoption."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.errors import InputError
from cpdiffusion.measures.table import Measures, measures_of
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.settings import Settings
from cpdiffusion.studies.setup import recipe_of
from cpdiffusion.world.world import Recipe

if TYPE_CHECKING:
    import pandas as pd


EXPOSURES_AT_MOST = 5_000_000  # firms x periods; beyond, the file would be larger than it is worth


def observed_measures(settings: Settings, recipe: Recipe | None = None) -> Measures:
    """Measures of a world whose times of adoption were observed; nothing is written.

    Raises InputError when there are none, or nobody ever adopted.
    """
    recipe = recipe or recipe_of(settings, any_network=True)
    observed = recipe.time_of_adoption
    if observed is None:
        raise InputError(
            "study=measures: needs times of adoption; give world.firms a column 'time_of_adoption' "
            "(empty for never), or name a data set (world.network=medInnovations)."
        )
    if recipe.ties is None:
        raise InputError("study=measures: needs ties that were observed; give world.ties=<file>.")
    if np.isnan(observed).all():
        raise InputError("time_of_adoption: is empty for every firm; at least one must have adopted.")
    return measures_of(recipe.ties, observed, ids=recipe.ids)


def measures_to_folder(settings: Settings, command: str) -> Path:
    """Measure, write the result folder, print what was found and where it is."""
    job = Job(settings, command)
    measured = observed_measures(settings)

    def write(folder: Path) -> None:
        write_measures(measured, folder)
        if settings.figures:
            write_curve(measured, folder)

    return job.finish(write, summary(measured, command), sentence(measured))


def write_measures(measured: Measures, folder: Path) -> None:
    """periods.csv, firms.csv, network.csv: one row per period, per firm, per measure; exposure.parquet."""
    measured.periods.to_csv(folder / "periods.csv", index=False, float_format="%.17g")
    measured.firms.to_csv(folder / "firms.csv", float_format="%.17g")
    network = measured.network.rename_axis("measure").rename("value")
    network.to_csv(folder / "network.csv", float_format="%.17g")
    if len(measured.firms) * len(measured.periods) <= EXPOSURES_AT_MOST:
        measured.exposure.rename(columns=str).to_parquet(folder / "exposure.parquet")


def write_curve(measured: Measures, folder: Path) -> None:
    """curve.png."""
    from cpdiffusion.plots import curve, save

    figure, frame = save.figure(7, 4.5), measured.periods
    period, adopters = frame["period"].to_numpy(), frame["cumulative"].to_numpy()
    firms = len(measured.firms)
    curve.adoption_curve(figure.add_subplot(), period, adopters, firms, "Adoption as observed", "Period")
    save.save(figure, folder / "curve.png")


def sentence(measured: Measures) -> str:
    """How far it went and whether neighbours adopted at like times."""
    of, period = measured.network, measured.periods["period"]
    return (
        f"{of.adopters:,.0f} of {of.firms:,.0f} firms adopted from {period.iloc[0]} to {period.iloc[-1]}. "
        f"{like_times(of)} {bass_words(of)}"
    )


def like_times(of: pd.Series) -> str:
    """Moran's I in words."""
    if np.isnan(of.moran_p_value):
        return "Whether those who are tied adopt at like times cannot be told."
    verdict = "at like times" if of.moran_i > of.moran_expected else "at unlike times"
    if of.moran_p_value >= 0.05:
        verdict = "no more at like times than by chance, as far as can be told"
    return (
        f"Those who are tied adopt {verdict} (Moran's I {of.moran_i:.3f}, by chance {of.moran_expected:.3f} "
        f"± {of.moran_sd:.3f}, p = {of.moran_p_value:.2g})."
    )


def bass_words(of: pd.Series) -> str:
    """The fitted Bass curve in words."""
    if np.isnan(of.bass_p):
        return "A Bass curve cannot be fitted."
    p = f"p = {of.bass_p:.4f}{with_error(of.bass_p_se, 4)}"
    q = f"q = {of.bass_q:.3f}{with_error(of.bass_q_se, 3)}"
    return f"Bass curve by least squares: {p}, {q} per period."


def with_error(standard_error: float, decimals: int) -> str:
    """The standard error in words; there is none at a bound."""
    if np.isnan(standard_error):
        return " (at its bound)"
    return f" (standard error {standard_error:.{decimals}f})"


def summary(measured: Measures, command: str) -> str:
    """The whole summary as Markdown."""
    return (
        f"{sentence(measured)}\n\n{FILES}\n\n```\n{command}\n```\n\n"
        "That neighbours adopt at like times does not say that one convinced the other: they may be alike, "
        "or have heard of it in the same way.\n"
    )


FILES = """\
- `periods.csv`: adopters, hazard rate and mean exposure by period
- `firms.csv`: each firm's threshold (its exposure when it adopted), infectiousness and susceptibility
- `exposure.parquet`: the share of its influencers that had adopted, by firm and period
- `network.csv`: one number each for the whole: Moran's I, the Bass fit

Definitions are those of netdiffuseR; `cpdiffusion.measures` says where they differ."""
