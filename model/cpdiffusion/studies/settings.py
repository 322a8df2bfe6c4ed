"""The settings of a study, validated; plain data that any caller can make."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from cpdiffusion.studies.allocate.settings import AllocateSettings
from cpdiffusion.studies.calibrate.settings import CalibrateSettings
from cpdiffusion.studies.discover.settings import DiscoverSettings
from cpdiffusion.studies.efficiency.settings import EfficiencySettings
from cpdiffusion.studies.headline.settings import HeadlineSettings
from cpdiffusion.studies.optimise.settings import OptimiseSettings
from cpdiffusion.studies.part import Part, Words
from cpdiffusion.studies.portfolio.settings import PortfolioSettings
from cpdiffusion.studies.sensitivity.settings import SensitivitySettings
from cpdiffusion.studies.sweep.settings import SweepSettings

LONGEST_HORIZON_YEARS = 100
SHIPPED = "shipped"  # in place of a file: the posterior that comes with the package


class WorldSettings(Part):
    """Where the world comes from: a preset region, or the user's own files."""

    firms: Path | None = Field(description="the user's own register, firms.csv")
    ties: Path | None = Field(description="the user's own ties, ties.csv")
    graph: Path | None = Field(description="the user's own network, GraphML")
    network: str | None = Field(description="a classic data set that comes with the package")
    directed: bool = Field(description="whether a tie in ties.csv works in one direction only")
    redraw: bool = Field(description="draw a new world for each replicate (else one for all)")


class ReplicateSettings(Part):
    """How many replicates: as many as the asked interval needs, between two bounds."""

    half_width: float = Field(gt=0, description="of the interval of the paired difference, in firms")
    at_least: int = Field(ge=2, le=100_000)
    at_most: int = Field(ge=2, le=100_000)


class PosteriorSettings(Part):
    """Whether parameters are drawn from a posterior, and how often each draw is run."""

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


READ_RESULTS = ("validate", "calibrate", "recover")


class DaskSettings(Part):
    """Where a Dask cluster is, or how one is started."""

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


class Settings(Part):
    """Everything that a study is asked to do."""

    study: Literal[
        "compare", "simulate", "measures", "portfolio", "headline", "validate", "calibrate", "recover",
        "sweep", "sensitivity", "replicates", "discover", "optimise", "efficiency", "allocate", "audit",
        "parameters",
    ]  # fmt: skip
    region: str | list[str] = Field(description="a preset, several, or 'all'")
    behaviour: Literal["peer_benefit", "threshold", "bass", "cascade"]
    measures: Literal["package", "catalogue"]
    horizon_years: int = Field(ge=1, le=LONGEST_HORIZON_YEARS)
    scenarios: Words = Field(min_length=1)
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

    @field_validator("results")
    @classmethod
    def _read_by_one_study(cls, value: Path | None, known: ValidationInfo) -> Path | None:
        if value is not None and known.data.get("study") not in READ_RESULTS:
            raise PydanticCustomError(
                "unread",
                "only study=validate, calibrate and recover read it; leave it out or name one",
            )
        return value
