"""The classes of cleaner production measures of which a firm's package consists.

Classes follow the paper's Tables 2 and 3 (Korean classification of clean technology; green
productivity of the Asian Productivity Organization) and the catalogue of UNIDO/UNEP. All of them
together cost, return and save what the package does; their differences are assumed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cpdiffusion.parameters import Parameters
from cpdiffusion.world.firms import Floats

WORDS = {  # about from easy to hard: a firm that cannot pay for all takes them in this order
    "good_housekeeping": "good housekeeping",
    "waste_management": "waste management",
    "energy_efficiency": "energy efficiency and recovery",
    "in_process_recycling": "in-process recycling",
    "process_modification": "process modification",
    "input_substitution": "input substitution",
    "product_design": "product design",
}
NAMES = tuple(WORDS)


class CpMeasures(NamedTuple):
    """K classes of measures, each array of shape (K,)."""

    names: tuple[str, ...]
    cost_share: Floats  # of the package's price; adds up to 1
    log_return: Floats  # above the package's; the measures together return what the package does
    difficulty: Floats  # log cost above the package's; by cost it averages to 0
    energy_share: Floats  # of the direct benefit; by benefit it averages to the package's, unless some
    materials_share: Floats  # measure would then save more than it returns; likewise


def cp_measures(p: Parameters) -> CpMeasures:
    """The catalogue under parameters ``p``."""
    cost = column("cost_share", p) / column("cost_share", p).sum()
    log_return = column("log_return", p)
    log_return -= np.log(np.sum(cost * np.exp(log_return)))
    difficulty = column("difficulty", p)
    benefit = cost * np.exp(log_return)
    energy = shared_out(p.energy_share_of_benefit, column("energy", p), benefit)
    materials = shared_out(p.materials_share_of_benefit, column("materials", p), benefit)
    too_much = np.maximum(energy + materials, 1.0)  # nothing saves more than it returns
    return CpMeasures(
        names=NAMES,
        cost_share=cost,
        log_return=log_return,
        difficulty=difficulty - np.sum(cost * difficulty),
        energy_share=energy / too_much,
        materials_share=materials / too_much,
    )


def column(what: str, p: Parameters) -> Floats:
    """One number of every measure, shape (K,)."""
    return np.array([p[f"{name}_{what}"] for name in NAMES], np.float64)


def shared_out(of_package: float, relative: Floats, benefit: Floats) -> Floats:
    """A share of each measure's benefit, in proportion, so that the package has its own share."""
    return of_package * relative / np.sum(benefit * relative)
