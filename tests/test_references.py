"""Adoption in smart green complexes beside the paths that were planned for them."""

from __future__ import annotations

import numpy as np
import pytest

from cpdiffusion.config import folder_of, load
from cpdiffusion.evidence.reference_paths import REFERENCE_PATHS
from cpdiffusion.instruments.concerns import smart_rank
from cpdiffusion.outcomes.experiment import run_replicate
from cpdiffusion.plots import references, save
from cpdiffusion.studies.compare.references import REPLICATES, on_smart_complexes, smart_shares
from cpdiffusion.studies.setup import Plan, plan

WORDS = ["parameters.firms_per_region=300", "horizon_years=5"]


def planned(*scenarios: str) -> Plan:
    return plan(load([*WORDS, f"scenarios=[{','.join(scenarios)}]"]), folder_of("scenarios"))


def test_only_instruments_of_smart_green_complexes_call_for_the_figure() -> None:
    asked = planned("none", "cluster_25", "round_table", "clean_factory", "smart_green_complex")
    assert on_smart_complexes(asked) == ["clean_factory", "smart_green_complex"]
    assert on_smart_complexes(planned("none", "cluster_25")) == []


def test_shares_are_those_of_the_firms_in_smart_complexes_counted_one_by_one() -> None:
    asked = planned("none", "clean_factory")
    experiment, expected = asked.experiment, []
    for replicate in range(REPLICATES):
        world = experiment.world(replicate)
        seed = np.uint64(experiment.world_seed(replicate))
        smart = np.flatnonzero(smart_rank(world, experiment.parameters, seed) < 1.0)
        run = run_replicate(experiment, world, replicate)["clean_factory"]
        expected.append(
            [sum(run.adoption_quarter[f] < 4 * y for f in smart) / smart.size for y in range(1, 6)]
        )
    found = smart_shares(asked)
    mine = found[found.scenario == "clean_factory"]
    assert mine.year.tolist() == [1, 2, 3, 4, 5]
    assert mine.share.tolist() == pytest.approx(np.mean(expected, axis=0).tolist())
    other = found[found.scenario == "none"]
    assert mine.share.iloc[-1] > other.share.iloc[-1]  # control: it is not one curve twice


def test_the_figure_holds_each_path_from_its_start_to_its_target_and_each_scenario() -> None:
    asked = planned("none", "clean_factory")
    figure = save.figure(8, 5)
    ax = references.beside_reference_paths(figure.add_subplot(), smart_shares(asked), asked.titles)
    lines = {line.get_gid(): line for line in ax.get_lines()}
    for path in REFERENCE_PATHS:
        line = lines[f"path {path.name}"]
        assert list(line.get_xdata()) == [0, path.last_year - path.first_year]
        assert list(line.get_ydata()) == [100 * path.first_share, 100 * path.last_share]
    assert {"mean none", "mean clean_factory"} <= set(lines)
