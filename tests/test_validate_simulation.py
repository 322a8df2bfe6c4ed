"""The simulation in study=validate: what it knows beforehand, what it learns, and from which rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cpdiffusion.calibration.bank import (
    GROUPS,
    HISTORIES,
    REGIONS,
    VARIED,
    Bank,
    Candidate,
    Shape,
    bank_of,
    candidate,
    described,
    shape_of,
    simulator_of,
    stacked,
)  # fmt: skip
from cpdiffusion.calibration.methods import METHODS, TITLES, all_methods, simulation
from cpdiffusion.calibration.observations import Floats, case_of, log_roi, sample
from cpdiffusion.calibration.predictive import Mixture, condensed
from cpdiffusion.calibration.priors import prior_of
from cpdiffusion.calibration.returns import PRIORS, at
from cpdiffusion.calibration.scores import covers, five_numbers, pit
from cpdiffusion.calibration.simulated import SimulatedPosterior, first_years, total_variance, years_spanned
from cpdiffusion.calibration.splits import SPLITS
from cpdiffusion.calibration.validation import validate
from cpdiffusion.cli import main
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import COLUMNS, RegionYear, table4
from cpdiffusion.runner.parallel import Workers
from cpdiffusion.studies.validate import simulation as validate_simulation

ROWS = table4()
YEARS = years_spanned(ROWS)
BEGUN = first_years(ROWS)
SMALL = tuple(row for row in ROWS if row.region in ("daegu", "ulsan", "ansan") and row.year >= 2011)


@pytest.fixture(scope="module")
def bank() -> Bank:
    """Few candidates, enough to learn from."""
    with Workers(2) as workers:
        return bank_of(YEARS, seed=3, mapper=workers.map, candidates=150)


def a_candidate(luck_sd: float, slope: float = 0.0, firms: Iterable[float] = (0.0,) * GROUPS) -> Candidate:
    """One of a flat profile, whose firms' part takes few values."""
    shape = Shape(np.array(list(firms)), np.array(0.0))
    return Candidate(
        np.array(luck_sd), np.array(1.0), np.array(slope), np.zeros(YEARS), shape, np.zeros(YEARS), shape
    )


# --- parts of a return ---------------------------------------------------------------------------

VALUES = {
    "mean_log_return": 1.2, "prior_mean_log_return": 0.1, "benefit_horizon_years": 3.0,
    "region_year_log_return_sd": 0.5,
}  # fmt: skip


def test_luck_is_taken_out_exactly_where_nobody_could_have_learned_of_it() -> None:
    """In the first year no result has been seen, so a world without luck decides alike."""
    simulator = simulator_of(4, seed=1)
    invested, log_roi = simulator.without_luck(VALUES, 0, 2)
    same, without = simulator.without_luck({**VALUES, "region_year_log_return_sd": 1e-12}, 0, 2)
    assert log_roi.shape == (2, REGIONS, 4)
    assert log_roi[..., 0] == pytest.approx(without[..., 0], abs=1e-9, nan_ok=True)
    assert invested[..., 0] == pytest.approx(same[..., 0], abs=1e-12, nan_ok=True)
    assert np.nanmax(np.abs(log_roi[..., 1:] - without[..., 1:])) > 0.01  # later, others have seen it


def test_firms_part_and_luck_are_together_what_a_table_reports() -> None:
    simulator = simulator_of(3, seed=1)
    (table,) = simulator.tables(VALUES, 1, 1)
    _, firms = simulator.without_luck(VALUES, 1, 1)
    luck = (table.log_roi - firms[0].ravel()) / VALUES["region_year_log_return_sd"]
    assert firms.size == table.log_roi.size == luck.size
    assert luck == pytest.approx(simulator._luck(simulator._seeds(1, 1)[0]).ravel(), abs=1e-9)
    assert np.unique(luck).size == luck.size
    assert np.abs(luck).max() < 4.0


def test_years_that_are_added_up_shift_a_table_and_change_nothing_else() -> None:
    """The reason why the level is left to the rows."""
    simulator, more = simulator_of(4, seed=1), 0.35
    shifted = {
        **VALUES, "mean_log_return": VALUES["mean_log_return"] + more,
        "prior_mean_log_return": VALUES["prior_mean_log_return"] + more,
        "benefit_horizon_years": VALUES["benefit_horizon_years"] * math.exp(more),
    }  # fmt: skip
    one, two = simulator.without_luck(VALUES, 0, 2), simulator.without_luck(shifted, 0, 2)
    assert two[0] == pytest.approx(one[0], abs=1e-12, nan_ok=True)
    assert two[1] == pytest.approx(one[1] + more, abs=1e-9, nan_ok=True)


def test_no_parameter_that_is_varied_rests_in_the_world_that_all_candidates_share() -> None:
    assert not set(VARIED) & simulator_of(2, seed=1).fixed_by_world()


def test_a_shape_keeps_mean_variance_and_skew() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=(7, 40))
    values -= values.mean()
    found = shape_of(np.where(np.arange(40) == 5, np.nan, values))
    kept = np.delete(values, 5, axis=1)
    assert found.means.mean() == pytest.approx(0.0, abs=1e-12)
    assert total_variance(found) == pytest.approx(kept.var())
    assert found.means[-1] > -1.5 * found.means[0] > 0.0


def test_slope_and_profile_are_recovered_from_what_was_simulated() -> None:
    rng = np.random.default_rng(1)
    invested = rng.normal(3.0, 0.5, (HISTORIES, REGIONS, 3)) + np.array([0.0, 0.4, 0.1])
    mean = invested.mean()
    firms = 1.0 + np.array([0.2, 0.0, -0.3]) - 0.4 * (invested - mean)
    found = described(invested, firms, 0.5)
    assert found.slope == pytest.approx(-0.4)
    assert np.diff(found.profile) == pytest.approx([-0.2, -0.3], abs=1e-9)
    assert total_variance(found.shape) == pytest.approx(0.0, abs=1e-12)
    assert total_variance(found.plain_shape) == pytest.approx((0.4 * 0.5) ** 2, rel=0.3)


# --- what is learned -----------------------------------------------------------------------------


def on_tau(rows: tuple[RegionYear, ...], row: RegionYear, sigma: float, slope: float) -> Mixture:
    """The prediction by the return model's own algebra, tau summed out by brute force."""
    known = sample(rows)
    usual = known.sums(known.log_investment) / known.counts
    left = replace(known, log_roi=known.log_roi - slope * (known.log_investment - usual[known.region_of]))
    tau = np.linspace(0.0025, 4.9975, 1000)
    found = [at(left, t, sigma, elasticity=False) for t in tau]
    logs = np.array([p.solved.log_likelihood[0] for p in found]) + PRIORS.log_tau(tau)
    weights = np.exp(logs - logs.max())
    parts = [p.predict(case_of(row)) for p in found]
    more = 0.0
    if row.region in known.regions:
        more = slope * (math.log(row.investment_mkrw) - usual[known.regions.index(row.region)])
    means, sds = (np.array([getattr(part, name)[0] for part in parts]) for name in ("means", "sds"))
    return Mixture(means + more, sds, weights / weights.sum())


@pytest.mark.parametrize("left_out", ["row", "region"])
def test_one_candidate_without_firms_predicts_as_the_return_model_does(left_out: str) -> None:
    row = ROWS[20]
    train = tuple(r for r in ROWS if r is not row and (left_out == "row" or r.region != row.region))
    one = Bank(stacked([a_candidate(0.55, slope=-0.2)]))
    found = SimulatedPosterior(one, BEGUN, train).predict(case_of(row))
    expected = on_tau(train, row, 0.55, -0.2)
    assert found.mean == pytest.approx(expected.mean, abs=1e-3)
    assert found.sd == pytest.approx(expected.sd, rel=3e-3)
    assert five_numbers(found) == pytest.approx(five_numbers(expected), abs=5e-3)


def test_a_prediction_varies_by_firms_part_luck_and_what_is_not_known_of_the_region() -> None:
    firms = np.array([-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.7])
    alone, with_firms = (
        SimulatedPosterior(Bank(stacked([one])), BEGUN, ROWS)
        for one in (a_candidate(math.sqrt(0.25 + firms.var())), a_candidate(0.5, firms=firms))
    )
    case = case_of(ROWS[0])
    one, other = alone.predict(case), with_firms.predict(case)
    assert other.sd == pytest.approx(one.sd, rel=1e-6)  # 0.5² of luck, and the firms
    _, of_region = with_firms._region(with_firms.regions[case.region])
    expected = 0.25 + firms.var() + float((with_firms.weights * of_region).sum())
    between = other.sd**2 - expected  # what tau leaves open of the region's mean
    assert 0.0 <= between < 0.01
    skew = [
        float(m.weights @ ((m.means - m.mean) ** 3 + 3 * (m.means - m.mean) * m.sds**2)) for m in (one, other)
    ]
    assert skew[1] - skew[0] == pytest.approx(float((firms**3).mean()), abs=2e-3)  # its shape is the firms'


def test_rows_choose_among_candidates() -> None:
    """Narrow, right and wide luck: rows of a known spread take the right one."""
    rng = np.random.default_rng(4)
    rows = tuple(
        replace(r, direct_mkrw=r.investment_mkrw * math.exp(1 + 0.5 * rng.standard_normal())) for r in ROWS
    )
    three = Bank(stacked([a_candidate(sd) for sd in (0.2, 0.5, 1.1)]))
    assert SimulatedPosterior(three, BEGUN, rows).weights.sum(axis=1).argmax() == 1


def test_candidates_that_leave_region_years_empty_weigh_less() -> None:
    rare = a_candidate(0.5)._replace(made=np.array(0.9))
    found = SimulatedPosterior(Bank(stacked([a_candidate(0.5), rare])), BEGUN, ROWS).weights.sum(axis=1)
    assert found[1] / found[0] == pytest.approx(0.9 ** len(ROWS))


def test_parts_that_are_alike_put_together_change_next_to_nothing() -> None:
    rng = np.random.default_rng(2)
    means, variances = rng.normal(1.0, 0.5, 20_000), rng.uniform(0.2, 0.6, 20_000)
    weights = rng.dirichlet(np.ones(20_000))
    few, all_of_them = condensed(means, variances, weights), Mixture(means, np.sqrt(variances), weights)
    assert few.means.size < 1000
    assert (few.mean, few.sd) == pytest.approx((all_of_them.mean, all_of_them.sd), rel=1e-6)
    assert five_numbers(few) == pytest.approx(five_numbers(all_of_them), abs=1e-3)
    for value in (-1.0, 1.0, 4.0):  # four standard deviations out
        assert few.log_density(value) == pytest.approx(all_of_them.log_density(value), abs=0.02)


# --- no row predicts itself ----------------------------------------------------------------------


def test_a_row_left_out_has_no_part_in_its_prediction(bank: Bank) -> None:
    chosen = next(row for row in SMALL if row.label == "Ulsan 2013")
    spoiled = tuple(replace(row, direct_mkrw=1e9) if row is chosen else row for row in SMALL)
    before, after = (
        [p for p in validate("t", rows, [simulation(bank, rows)]).predictions if p.row.label == chosen.label]
        for rows in (SMALL, spoiled)
    )
    assert len(before) == len(SPLITS)
    for one, two in zip(before, after, strict=True):
        assert (one.mean, one.quantiles) == (two.mean, two.quantiles)
        assert one.score.crps != two.score.crps


def test_a_result_that_was_learned_from_does_move_the_prediction(bank: Bank) -> None:
    spoiled = tuple(replace(r, direct_mkrw=1e9) if r.label == "Ulsan 2012" else r for r in SMALL)
    one, two = (
        validate("t", rows, [simulation(bank, rows)]).of("later_years", "simulation")[0].mean
        for rows in (SMALL, spoiled)
    )
    assert abs(one - two) > 0.1


def test_investment_tells_of_a_year_only_where_the_region_s_usual_one_is_known(bank: Bank) -> None:
    row = next(row for row in ROWS if row.label == "Ulsan 2013")
    twice = replace(row, investment_mkrw=2 * row.investment_mkrw)
    known, unknown = (
        SimulatedPosterior(bank, BEGUN, [r for r in ROWS if r is not row and keep(r)])
        for keep in (lambda r: True, lambda r: r.region != row.region)
    )
    assert known.predict(case_of(twice)).mean < known.predict(case_of(row)).mean - 0.05
    assert unknown.predict(case_of(twice)).mean == unknown.predict(case_of(row)).mean


# --- the same again, and calibrated --------------------------------------------------------------


def test_a_bank_is_the_same_however_many_work_on_it() -> None:
    alone = bank_of(2, seed=5, candidates=12)
    with Workers(3) as workers:
        together = bank_of(2, seed=5, mapper=workers.map, candidates=12)
    for one, two in zip(flat(alone), flat(together), strict=True):
        assert one.tobytes() == two.tobytes()
    assert any(
        (one != two).any() for one, two in zip(flat(alone), flat(bank_of(2, 6, candidates=12)), strict=True)
    )


def flat(bank: Bank) -> list[Floats]:
    parts = [part if isinstance(part, Shape) else (part,) for part in bank.candidates]
    return [np.asarray(array) for part in parts for array in part]


def test_candidates_under_which_nobody_adopts_are_left_out() -> None:
    simulator = simulator_of(2, seed=1)
    hopeless = SimpleNamespace(
        draw=lambda _: {**VALUES, "mean_log_return": -9.0, "prior_mean_log_return": -9.0}
    )
    assert candidate(simulator, hopeless, 0) is None  # type: ignore[arg-type]
    assert candidate(simulator, prior_of(VARIED), 0) is not None


def planted(number: int, simulator: Any) -> tuple[RegionYear, ...]:
    """A table of Table 4's layout, from the simulation under parameters of the prior."""
    rng = np.random.default_rng((17, number))
    values = prior_of(VARIED).draw(rng)
    invested, firms = (part[0] for part in simulator.without_luck(values, number, 1))
    luck = values["region_year_log_return_sd"] * rng.standard_normal(firms.shape)
    log_rois = firms + luck + 0.3 * rng.standard_normal((REGIONS, 1))
    regions = list(BEGUN)
    places = [(row, (regions.index(row.region), row.year - BEGUN[row.region])) for row in ROWS]
    return tuple(
        replace(row, investment_mkrw=math.exp(invested[place]),
                direct_mkrw=math.exp(invested[place] + log_rois[place]))
        for row, place in places if math.isfinite(invested[place])
    )  # fmt: skip


def test_tables_from_the_simulation_are_predicted_with_the_coverage_that_is_promised(bank: Bank) -> None:
    """Of 50 tables from parameters of the prior, four rows each, every one predicted from all others."""
    simulator, places = simulator_of(YEARS, seed=77), []
    for number in range(50):
        rows = planted(number, simulator)
        for k in range(1, min(len(rows), 37), 9)[:4] if len(rows) > 20 else ():
            train = [row for row in rows if row is not rows[k]]
            predicted = SimulatedPosterior(bank, BEGUN, train).predict(case_of(rows[k]))
            places.append(pit(predicted, log_roi(rows[k])))
    assert len(places) > 140
    assert 0.84 < np.mean([covers(place, 0.9) for place in places]) < 0.96
    assert 0.40 < np.mean([covers(place, 0.5) for place in places]) < 0.60
    assert 0.42 < np.mean(places) < 0.58


# --- the study -----------------------------------------------------------------------------------

GOOD = [
    "北,40,2010.1-2012.12,2010,10,40,1,,41,4,4.1",
    "北,40,2010.1-2012.12,2011,12,50,1,,51,4.2,4.3",
    "北,40,2010.1-2012.12,2012,9,20,1,,21,2.2,2.3",
]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The study with few candidates."""
    from cpdiffusion.studies.validate import study

    def quick(years: int, seed: int, mapper: Callable[..., Iterator[Candidate | None]]) -> Bank:
        return bank_of(years, seed, mapper, candidates=20)

    monkeypatch.setattr(study, "bank_of", quick)


def run(folder: Path, lines: list[str], *words: str) -> Path:
    path = folder / "own.csv"
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
    out = folder / f"r{len(list(folder.iterdir()))}"
    assert (
        main(["study=validate", f"results={path}", f"out={out}", "progress=false", "figures=false", *words])
        == 0
    )
    return out


def test_one_region_of_any_name_and_few_rows_are_predicted_by_the_simulation_too(
    few: None, tmp_path: Path
) -> None:
    one = run(tmp_path, GOOD, "workers=1")
    scores = pd.read_csv(one / "validation.csv").query("model == 'simulation'")
    assert list(scores.split) == ["left_out_row"]
    assert np.isfinite(scores[["crps", "log_score"]].to_numpy()).all()
    assert not scores.is_rival.any()
    assert "too few regions to tell" in (one / "summary.md").read_text()
    two = run(tmp_path, GOOD, "workers=3")
    for name in ("validation.csv", "predictions.csv"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_a_table_over_too_many_years_goes_without_the_simulation_and_says_so(tmp_path: Path) -> None:
    out = run(tmp_path, [*GOOD, GOOD[0].replace(",2010,", ",2060,")])
    said = (out / "summary.md").read_text()
    assert "The agent-based simulation is left out: the table spans 51 years" in said
    assert set(pd.read_csv(out / "validation.csv").model) == {method.name for method in METHODS}
    with pytest.raises(InputError, match="up to 40"):
        bank_of(41, seed=1)


def test_with_a_bank_the_simulation_stands_between_ours_and_the_rivals(bank: Bank) -> None:
    assert [method.name for method in all_methods(bank, ROWS)] == list(TITLES)
    assert all_methods(None, ROWS) == METHODS


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["tie", "tie"], "against the best rival: no difference beyond noise."),
        (["worse", "tie"], "worse by more than noise predicting a; no difference beyond noise predicting b."),
        (["better", "better"], "better by more than noise."),
    ],
)
def test_how_the_simulation_does_is_said_whatever_comes_out(
    verdicts: list[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    splits = [SimpleNamespace(words=words, verdict=one) for words, one in zip("ab", verdicts, strict=True)]
    monkeypatch.setattr(validate_simulation, "_verdict", lambda found, split: split.verdict)
    assert expected in validate_simulation.in_short(SimpleNamespace(splits=splits))  # type: ignore[arg-type]
