"""Which crew the settings ask for."""

from __future__ import annotations

from functools import partial

from cpdiffusion.runner.crew import OpenCrew, local_crew
from cpdiffusion.runner.parallel import available_cores
from cpdiffusion.studies.settings import Settings


def crew_of(settings: Settings) -> OpenCrew:
    """How the crew is opened."""
    if settings.runner == "dask":
        from cpdiffusion.runner.dask_crew import ClusterAsked, dask_crew

        return partial(
            dask_crew, asked=ClusterAsked(**settings.dask.model_dump()), local_workers=workers_of(settings)
        )
    return partial(local_crew, workers=workers_of(settings))


def workers_of(settings: Settings) -> int:
    """Processes of this machine."""
    return settings.workers or available_cores()
