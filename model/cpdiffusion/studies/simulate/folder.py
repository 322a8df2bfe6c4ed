"""The result folder of ``study=simulate``: adoptions, curve, measures, figures and a summary."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cpdiffusion.behaviour.classic import Behaviour
from cpdiffusion.errors import InputError
from cpdiffusion.studies.folder import Job
from cpdiffusion.studies.measures.folder import FILES, write_measures
from cpdiffusion.studies.settings import LONGEST_HORIZON_YEARS, Settings
from cpdiffusion.studies.simulate.study import Simulation, simulate


def simulate_to_folder(settings: Settings, scenario_folder: Path, command: str) -> Path:
    """Run one scenario once and write its result folder; prints what happened and where it is."""
    if len(settings.scenarios) > 1:
        raise InputError(
            f"scenarios={settings.scenarios}: study=simulate runs one; name one, or use study=compare."
        )
    job = Job(settings, command)
    result = simulate(settings, scenario_folder)
    return job.finish(partial(write, result), summary(result, command), sentence(result), result.plan.asked)


def write(result: Simulation, folder: Path) -> None:
    """adoptions.csv, curve.csv, the measures, and curve.png if figures are asked for."""
    result.adoptions.to_csv(folder / "adoptions.csv", index=False)
    result.curve.to_csv(folder / "curve.csv", index=False, float_format="%.10g")
    write_measures(result.measures, folder)
    if result.settings.figures:
        write_curve(result, folder)


def write_curve(result: Simulation, folder: Path) -> None:
    """curve.png."""
    from cpdiffusion.plots import curve, save

    figure, frame = save.figure(7, 4.5), result.curve
    title = f"Adoption under {rule_of(result)}"
    step, adopters = frame["step"].to_numpy(), frame["adopters"].to_numpy()
    last = min(last_adoption(result) + 2, result.steps) + 1
    curve.adoption_curve(figure.add_subplot(), step[:last], adopters[:last], result.world.size, title)
    save.save(figure, folder / "curve.png")


def rule_of(result: Simulation) -> str:
    """The rule in words."""
    return Behaviour[result.settings.behaviour.upper()].words


def last_adoption(result: Simulation) -> int:
    """The last step in which a firm adopted; 0 if none did."""
    new = result.curve.new_adopters.to_numpy()
    return int(new.nonzero()[0].max(initial=0))


def sentence(result: Simulation) -> str:
    """How far it went and whether it has come to rest."""
    adopters, steps = result.curve.adopters.to_numpy(), result.steps
    start = (
        f"Under {rule_of(result)}, {adopters[-1]:,} of {result.world.size:,} firms have adopted after "
        f"{steps} steps, {adopters[0]:,} of them before the first."
    )
    last = last_adoption(result)
    if adopters[-1] == 0:
        return f"{start} {WITHOUT_START}"
    if last < steps or adopters[-1] == result.world.size:
        return f"{start} The last adoption was in step {last}."
    years = result.settings.horizon_years
    longer = min(2 * years, LONGEST_HORIZON_YEARS)
    more = f": horizon_years={longer} shows more" if longer > years else ""
    return f"{start} In the last step firms still adopted{more}."


WITHOUT_START = (
    "To start it, give firms.csv a column 'seed' with 1 for those that have adopted at step 0, set "
    "parameters.early_adopter_share, or name a scenario with a programme."
)


def summary(result: Simulation, command: str) -> str:
    """The whole summary as Markdown."""
    return (
        f"{sentence(result)}\n\n"
        "A step is a quarter; step 0 is before the first.\n\n"
        "- `adoptions.csv`: the step in which each firm adopted, empty for never\n"
        f"- `curve.csv`: adopters step by step\n{FILES}\n\n"
        f"```\n{command}\n```\n\n"
        "This is one run with one seed. `seed=2` gives another; `study=compare` gives means over many runs "
        "with intervals, for any number of scenarios, under the same rule.\n"
    )
