"""The settings of a study, validated; plain data that any caller can make."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from cpdiffusion.errors import did_you_mean
from cpdiffusion.outcomes.catalogue import CATALOGUE
from cpdiffusion.policy.levers import LARGEST_COHORT
from cpdiffusion.studies.optimise.aims import aim_sign

LONGEST_HORIZON_YEARS = 100
SMALLEST_COHORT = 2
SHIPPED = "shipped"  # in place of a file: the posterior that comes with the package


class WorldSettings(BaseModel):
    """Where the world comes from: a preset region, or the user's own files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    firms: Path | None = Field(description="the user's own register, firms.csv")
    ties: Path | None = Field(description="the user's own ties, ties.csv")
    graph: Path | None = Field(description="the user's own network, GraphML")
    network: str | None = Field(description="a classic data set that comes with the package")
    directed: bool = Field(description="whether a tie in ties.csv works in one direction only")
    redraw: bool = Field(description="draw a new world for each replicate (else one for all)")


class ReplicateSettings(BaseModel):
    """How many replicates: as many as the asked interval needs, between two bounds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    half_width: float = Field(gt=0, description="of the interval of the paired difference, in firms")
    at_least: int = Field(ge=2, le=100_000)
    at_most: int = Field(ge=2, le=100_000)


class PosteriorSettings(BaseModel):
    """Whether parameters are drawn from a posterior, and how often each draw is run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = Field(description="'shipped', or a .parquet of the user's; empty: fixed parameters")
    seeds_per_draw: int = Field(
        ge=2, le=1000, description="replicates under each draw; two or more tell chance from parameters"
    )

    @field_validator("file")
    @classmethod
    def _names_a_posterior(cls, value: str | None) -> str | None:
        if value is not None and not names_a_posterior(value):
            raise PydanticCustomError("no_posterior", "must be 'shipped' or a file that ends in .parquet")
        return value

    @property
    def own_file(self) -> Path | None:
        """The file, if it is the user's."""
        return None if self.file in (None, SHIPPED) else Path(str(self.file))


def names_a_posterior(word: str) -> bool:
    """Whether a word stands for the posterior that is shipped, or for a file of one."""
    return word == SHIPPED or word.lower().endswith(".parquet")


class PortfolioSettings(BaseModel):
    """Which combinations of instruments are tried, and what they may cost together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instruments: list[str] | None = Field(min_length=1, description="empty: all that fit the base")
    largest: int = Field(ge=1, description="instruments in one combination")
    budget_mkrw: float | None = Field(
        gt=0, allow_inf_nan=False, description="public money per region over the run; empty: the base's"
    )
    replicates: int = Field(ge=2, le=100_000)

    @field_validator("instruments", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class CalibrateSettings(BaseModel):
    """What is calibrated to what, and how thoroughly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: list[str] | None = Field(min_length=1, max_length=40, description="empty: the usual twelve")
    leave_out: list[str] = Field(description="targets that are not to be met")
    population: int = Field(ge=10, le=100_000, description="accepted candidates per generation")
    histories: int = Field(ge=1, le=1000, description="over which a candidate's patterns are averaged")
    firms_per_region: int = Field(ge=200, le=5000)
    plantings: int = Field(ge=2, le=10_000, description="of study=recover")

    @field_validator("parameters", "leave_out", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


READ_RESULTS = ("validate", "calibrate", "recover")


class HeadlineSettings(BaseModel):
    """At which cohort sizes the headline finding is looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cohort_sizes: list[int] = Field(description="firms per cohort, two sizes or more, ascending")

    @field_validator("cohort_sizes")
    @classmethod
    def _ascend(cls, value: list[int]) -> list[int]:
        if len(value) < 2:
            raise PydanticCustomError("too_few", "must hold two cohort sizes or more, as in [10,25]")
        if not (value[0] >= SMALLEST_COHORT and value[-1] <= LARGEST_COHORT):
            raise PydanticCustomError(
                "no_size", f"must hold cohort sizes from {SMALLEST_COHORT} to {LARGEST_COHORT} firms"
            )
        if any(after <= before for before, after in pairwise(value)):
            raise PydanticCustomError("order", "must ascend, each cohort size once")
        return value


class SweepSettings(BaseModel):
    """At which points a sweep looks, and how often."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    design: Literal["grid", "list", "lhs", "sobol"] | None = Field(
        description="empty: a grid where every factor lists its values, else a Sobol sequence"
    )
    points: int = Field(ge=1, le=10_000_000, description="of a Latin hypercube or a Sobol sequence")
    levels: int = Field(ge=2, le=10_000, description="of a range in a grid")
    file: Path | None = Field(description="points of the user's own (.csv) in place of a design")
    replicates: int = Field(
        ge=1, le=1_000_000, description="at every point, paired over points and scenarios"
    )
    outcomes: list[str] | None = Field(min_length=1, description="that are kept; empty: all")
    dry_run: bool = Field(description="only say how many runs, how long and how much room")

    @field_validator("outcomes", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("outcomes")
    @classmethod
    def _are_known(cls, value: list[str] | None) -> list[str] | None:
        for name in value or ():
            if name not in CATALOGUE:
                raise PydanticCustomError("no_outcome", "must be outcomes{hint}", {"hint": _hint(name)})
        return value


class OptimiseSettings(BaseModel):
    """What a search for policies aims at, over which levers, and how long it goes on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    aims: list[str] = Field(description="outcomes, two or more; the first two are the main ones")
    robust: Literal["mean", "regret", "satisficing"]
    thresholds: dict[str, float] = Field(description="of aims: good enough; else the first scenario's level")
    usual_factors: dict[str, Any] = Field(description="what varies where factors is empty")
    population: int = Field(ge=4, le=10_000, description="candidates per generation")
    generations: int = Field(ge=1, le=100_000)
    front: int = Field(ge=2, le=10_000, description="policies of the front that are told, at most")
    draws: int = Field(ge=2, le=100_000, description="of the parameters, the same for every candidate")
    held_out_draws: int = Field(ge=2, le=100_000, description="on which the front is evaluated again")

    @field_validator("aims", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("aims")
    @classmethod
    def _can_be_aimed_at(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in CATALOGUE:
                raise PydanticCustomError("no_outcome", "must be outcomes{hint}", {"hint": _hint(name)})
            if not aim_sign(name):
                raise PydanticCustomError(
                    "no_aim", "{name} is neither better high nor low; aim at another", {"name": name}
                )
        if len(value) < 2 or len(set(value)) < len(value):
            raise PydanticCustomError("too_few", "must name two aims or more, each once")
        return value

    @field_validator("thresholds")
    @classmethod
    def _are_of_aims(cls, value: dict[str, float], known: ValidationInfo) -> dict[str, float]:
        for name in value:
            if name not in (aims := known.data.get("aims", [name])):
                raise PydanticCustomError(
                    "no_aim_of_it", "{name} is no aim; the aims are {aims}, set optimise.aims to change them",
                    {"name": name, "aims": ", ".join(aims)},
                )  # fmt: skip
        return value


def _hint(name: str) -> str:
    return did_you_mean(name, CATALOGUE).rstrip(".?")


class SensitivitySettings(BaseModel):
    """Which settings are varied is for ``factors``; how, and how thoroughly, is said here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["staged", "oat", "morris", "sobol"]
    most: int = Field(ge=1, le=1000, description="of staged: factors that Morris hands on to Sobol")
    trajectories: int = Field(ge=4, le=100_000, description="of Morris, each of factors + 1 points")
    base_samples: int = Field(ge=16, le=2**20, description="of Sobol, each of factors + 2 points")
    second_order: bool = Field(description="Sobol: also of every two factors together")
    replicates: int = Field(ge=2, le=100_000, description="at every point; two or more tell chance apart")
    outcome: str
    dry_run: bool = Field(description="only say how many runs and how long")

    @field_validator("base_samples")
    @classmethod
    def _is_a_power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise PydanticCustomError("no_power", "must be a power of 2, such as 256 or 512")
        return value

    @field_validator("outcome")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in CATALOGUE:
            raise PydanticCustomError("no_outcome", "must be an outcome{hint}", {"hint": _hint(value)})
        return value


class DiscoverSettings(BaseModel):
    """Under which conditions something holds: the question, and how boxes are looked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Literal["individual_wins", "unclear", "size_indifferent", "difference", "level"]
    outcome: str | None = Field(description="empty: additional adopters")
    above: float | None = Field(allow_inf_nan=False, description="of question=difference or level")
    below: float | None = Field(allow_inf_nan=False, description="of question=difference or level")
    surely: bool = Field(description="by the 90 % interval (else by the mean)")
    within: float = Field(
        ge=0, allow_inf_nan=False, description="what hardly matters, in units of the outcome"
    )
    cohort_sizes: list[int] | None = Field(min_length=2, description="empty: the scenarios as they are")
    results: Path | None = Field(description="of a finished sweep; nothing is run then")
    density: float = Field(gt=0, lt=1, description="share of the points in a box at which it is to hold")
    peel: float = Field(gt=0, le=0.2, description="share of the points that one step takes off a box")
    least_mass: float = Field(gt=0, lt=0.5, description="share of all points that a box must hold")
    boxes: int = Field(ge=1, le=20, description="at most")
    resamples: int = Field(ge=0, le=10_000, description="that tell how stable the choice of factors is")

    @field_validator("cohort_sizes")
    @classmethod
    def _are_sizes(cls, value: list[int] | None) -> list[int] | None:
        if value and (
            len(set(value)) < len(value) or not SMALLEST_COHORT <= min(value) <= max(value) <= LARGEST_COHORT
        ):
            raise PydanticCustomError(
                "no_size",
                f"must hold cohort sizes from {SMALLEST_COHORT} to {LARGEST_COHORT} firms, each once",
            )
        return value

    @field_validator("outcome")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in CATALOGUE:
            raise PydanticCustomError("no_outcome", "must be an outcome{hint}", {"hint": _hint(value)})
        return value


class DaskSettings(BaseModel):
    """Where a Dask cluster is, or how one is started."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str | None = Field(description="of a scheduler that is running, such as tcp://10.0.0.1:8786")
    cluster: Literal["local", "slurm"] = Field(description="what is started where there is no address")
    jobs: int = Field(ge=1, le=100_000, description="Slurm jobs")
    cores: int = Field(ge=1, le=1024, description="of each job")
    memory: str = Field(description="of each job, such as 8GB")
    walltime: str = Field(description="of each job, such as 02:00:00")
    queue: str | None = Field(description="Slurm partition")
    account: str | None = Field(description="Slurm account")
    options: list[str] = Field(description="further #SBATCH options, such as ['--constraint=cpu']")
    wait_seconds: float = Field(gt=0, description="for a scheduler and its first worker")


class EfficiencySettings(BaseModel):
    """Which units are compared, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path | None = Field(description="the user's own table (.csv) in place of Table 4")
    unit: str | None = Field(description="its column of names")
    inputs: list[str] | None = Field(min_length=1, description="its columns that are put in")
    outputs: list[str] | None = Field(min_length=1, description="its columns that come out")
    period: str | None = Field(description="its column of years, if units are there more than once")
    orientation: Literal["output", "input"] = Field(
        description="peers, slacks, intervals and changes: more from the same, or the same with less"
    )
    window: int = Field(ge=1, le=100, description="years in a window")
    bootstrap: int = Field(ge=50, le=100_000, description="replicates behind each interval")

    @field_validator("inputs", "outputs", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class AllocateSettings(BaseModel):
    """What is split over regions, what is to be gained, and how thoroughly it is looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget_mkrw_per_year: float | None = Field(
        gt=0, allow_inf_nan=False, description="public money a year for all; empty: the scenario's for each"
    )
    benefit: Literal["adopters", "total_benefit"] = Field(description="what the split is to gain most of")
    today: Literal["investment", "firms"] = Field(description="what of Table 4 stands for today's split")
    least_mkrw_per_year: float = Field(
        ge=0, allow_inf_nan=False, description="that every region gets of the splits found"
    )
    unsure_regions: bool = Field(
        description="draw how regions differ from what their few rows leave open, or hold it at its estimate"
    )
    draws: int = Field(ge=2, le=10_000, description="of the parameters, to choose by")
    held_out_draws: int = Field(ge=2, le=10_000, description="others, to judge the choice by")


class Settings(BaseModel):
    """Everything that a study is asked to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    study: Literal[
        "compare", "simulate", "measures", "portfolio", "headline", "validate", "calibrate", "recover",
        "sweep", "sensitivity", "replicates", "discover", "optimise", "efficiency", "allocate", "audit",
        "parameters",
    ]  # fmt: skip
    region: str | list[str] = Field(description="a preset, several, or 'all'")
    behaviour: Literal["peer_benefit", "threshold", "bass", "cascade"]
    measures: Literal["package", "catalogue"]
    horizon_years: int = Field(ge=1, le=LONGEST_HORIZON_YEARS)
    scenarios: list[str] = Field(min_length=1)
    baseline: str | None = Field(description="empty: each scenario's own")
    levers: dict[str, Any] = Field(description="replace levers in every scenario")
    instruments: dict[str, Any] = Field(description="enact instruments in every scenario")
    changes: dict[str, dict[str, Any]] = Field(description="replace levers or instruments in one scenario")
    world: WorldSettings
    parameters: dict[str, float] = Field(description="fixed values, also of parameters in the posterior")
    posterior: PosteriorSettings
    beyond_range: bool
    table: Literal["as_printed", "reconciled"]
    results: Path | None = Field(description="the user's own results in place of Table 4, with its columns")
    replicates: ReplicateSettings
    portfolio: PortfolioSettings
    calibrate: CalibrateSettings
    headline: HeadlineSettings
    factors: dict[str, Any] = Field(
        description="what varies: a range, values, or nothing for the usual range"
    )
    sweep: SweepSettings
    efficiency: EfficiencySettings
    allocate: AllocateSettings
    discover: DiscoverSettings
    sensitivity: SensitivitySettings
    optimise: OptimiseSettings
    why: bool
    turning: bool
    figures: bool
    seed: int = Field(ge=0, lt=2**63)
    runner: Literal["local", "dask"]
    dask: DaskSettings
    workers: int | None = Field(ge=1, le=1024)
    out: Path | None
    overwrite: bool
    progress: bool

    @field_validator("scenarios", mode="before")
    @classmethod
    def _one_is_a_list_too(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("results")
    @classmethod
    def _read_by_one_study(cls, value: Path | None, known: ValidationInfo) -> Path | None:
        if value is not None and known.data.get("study") not in READ_RESULTS:
            raise PydanticCustomError(
                "unread",
                "only study=validate, calibrate and recover read it; leave it out or name one",
            )
        return value
