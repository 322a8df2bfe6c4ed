"""Frames of results: one row per run, per quarter, per programme year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cpdiffusion.engine.state import Flow
from cpdiffusion.outcomes.catalogue import Values
from cpdiffusion.outcomes.experiment import Batch, values_of
from cpdiffusion.outcomes.paired import QUANTILES
from cpdiffusion.units import QUARTERS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd

STOCKS = (Flow.UNSPENT,)
ROI_COLUMNS = ["scenario", "programme_year", "p05", "p50", "p95"]


def outcome_frame(batches: list[Batch], scenario: str) -> pd.DataFrame:
    """One row per replicate, one column per outcome."""
    import pandas as pd

    found = {name: values_of(batches, scenario, name) for name in batches[0].outcomes[scenario]}
    return pd.DataFrame(found).rename_axis("replicate")


def long_runs(runs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(runs, names=["scenario"]).reset_index()


def trajectories(flows: dict[str, Values]) -> pd.DataFrame:
    """Cumulative flows (stocks as they are) by scenario, quarter and variable."""
    import pandas as pd

    frames = []
    for scenario, flow in flows.items():
        for variable in Flow:
            values = flow[:, :, variable]
            values = values if variable in STOCKS else values.cumsum(axis=1)
            low, middle, high = np.quantile(values, QUANTILES, axis=0)
            frames.append(pd.DataFrame({
                "scenario": scenario, "quarter": np.arange(values.shape[1]),
                "variable": variable.name.lower(), "mean": values.mean(axis=0),
                "p05": low, "p50": middle, "p95": high,
            }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def programme_roi(flows: dict[str, Values]) -> pd.DataFrame:
    """Economic ROI of supported adopters by year of adoption, as Table 4 defines it."""
    import pandas as pd

    rows = [
        (scenario, year + 1, *np.quantile(roi, QUANTILES))
        for scenario, flow in flows.items()
        for year, roi in enumerate(_roi_by_year(flow))
        if roi.size >= 0.5 * flow.shape[0]  # most runs have adopters in this year
    ]
    return pd.DataFrame(rows, columns=ROI_COLUMNS)


def _roi_by_year(flow: Values) -> list[Values]:
    """For each year the ROI of the runs (K, Q, flows) that had supported adopters in it."""
    yearly = flow.reshape(flow.shape[0], -1, QUARTERS_PER_YEAR, flow.shape[2]).sum(axis=2)
    invested, gained = yearly[:, :, Flow.PROGRAMME_INVESTMENT], yearly[:, :, Flow.PROGRAMME_DIRECT]
    return [g[i > 0] / i[i > 0] for g, i in zip(gained.T, invested.T, strict=True)]
