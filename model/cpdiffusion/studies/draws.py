"""The parameters of a comparison that are drawn from a posterior: which, how many, and the checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cpdiffusion.calibration.posterior import Posterior, read_posterior, shipped_posterior
from cpdiffusion.errors import InputError
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.studies.settings import Settings

FEWEST_DRAWS = 40  # that are made, so that turning points can look at one replicate of each
VARIANTS = {"as_printed": "as printed", "reconciled": "reconciled"}


def posterior_of(settings: Settings) -> Posterior | None:
    """The posterior that the settings name; None for none. InputError for one that cannot be used."""
    if settings.posterior.file is None:
        return None
    path = settings.posterior.own_file or shipped_posterior()
    found = read_posterior(path)
    _require_same_table(path, found, settings)
    _require_two_draws(settings)
    return found


def _require_same_table(path: Path, posterior: Posterior, settings: Settings) -> None:
    """InputError when the posterior was estimated from the other variant of Table 4."""
    made_from = posterior.provenance.get("table")
    if made_from in VARIANTS and made_from != settings.table:
        raise InputError(
            f"table={settings.table}: {path.name} was estimated from Table 4 {VARIANTS[made_from]}; set "
            f"table={made_from}, or make another with study=calibrate table={settings.table}."
        )


def _require_two_draws(settings: Settings) -> None:
    """InputError unless the bound on replicates leaves room for two draws, the fewest with an interval."""
    each, most = settings.posterior.seeds_per_draw, settings.replicates.at_most
    if most < 2 * each:
        raise InputError(
            f"replicates.at_most={most}: two draws of {each} replicates each are the fewest; set it to "
            f"{2 * each} or more, or lower posterior.seeds_per_draw."
        )


def draws_of(posterior: Posterior, settings: Settings) -> list[dict[str, float]]:
    """As many draws as the bound on replicates can need, by the study's seed.

    Parameters that the settings fix are left out; the draws of the others stay as they are, not
    conditioned on the fixed values. InputError when nothing is left to draw.
    """
    left = posterior.without(settings.parameters)
    if not left.names:
        raise InputError(
            f"parameters={settings.posterior.file}: every parameter in it is fixed by another setting; leave "
            "it out, or fix fewer."
        )
    most = settings.replicates.at_most // settings.posterior.seeds_per_draw
    return left.draws(max(most, FEWEST_DRAWS), settings.seed)


def all_parameters(
    fixed: Parameters, draws: Sequence[Mapping[str, float]], settings: Settings
) -> Iterator[Parameters]:
    """Every set of parameters that replicates run under, once; the fixed ones alone without draws.

    InputError for values that contradict each other.
    """
    if not draws:
        yield fixed
    distinct = {tuple(draw.values()): draw for draw in draws}
    for draw in distinct.values():
        yield parameters({**settings.parameters, **draw}, settings.table, beyond_range=True)
