"""The command line: ``cpdiffusion [setting=value ...]``."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from cpdiffusion.errors import InputError

HELP = """\
cpdiffusion: how cleaner production spreads among small and medium manufacturers.

  cpdiffusion                                        compare cohorts of 25 with individual support
  cpdiffusion region=busan scenarios=[individual,cluster_10,cluster_25]
  cpdiffusion levers.budget_mkrw_per_year=1000 levers.programme_years=3
  cpdiffusion scenarios=[individual,my_policy.yaml]  your own scenario: copy one and change a number
  cpdiffusion world.firms=firms.csv world.ties=ties.csv
  cpdiffusion study=simulate behaviour=threshold world.firms=firms.csv world.ties=ties.csv
                                                     one run on your own network: who adopts when
  cpdiffusion study=measures world.network=brfarmers how a diffusion that was observed went
  cpdiffusion study=portfolio                        which instruments to add under a given budget
  cpdiffusion study=headline                         the main finding under the posterior: how much, how
                                                     sure, why, at which cohort size, what would turn it
  cpdiffusion study=sweep factors.levers.cohort_size=5..60 factors.parameters.cohort_visibility=
                                                     scenarios at many points of any settings
  cpdiffusion study=discover                         under which conditions individual support wins
  cpdiffusion study=sensitivity                      which assumptions the answer depends on, how strongly
  cpdiffusion study=replicates                       how many replicates are enough for the difference asked
  cpdiffusion study=optimise                         policies that no other beats in all aims at once
  cpdiffusion study=validate                         how well returns not seen are predicted
  cpdiffusion study=validate results=own.csv         the same for your own table, with Table 4's columns
  cpdiffusion study=calibrate                        which parameters fit the evidence (a quarter of an hour)
  cpdiffusion study=recover                          whether calibration finds parameters that were planted
  cpdiffusion study=efficiency                       which programmes got more out of the same, beside whom
  cpdiffusion study=efficiency efficiency.file=own.csv efficiency.unit=name efficiency.inputs=[money,staff]
      efficiency.outputs=[saved,adopters]            the same for your own units
  cpdiffusion study=allocate                         how to split a national budget over regions and support
  cpdiffusion study=audit                            every discrepancy in Table 4
  cpdiffusion study=parameters                       every number of the model, with its source
  cpdiffusion mine.yaml                              settings from a file, others beside it
  cpdiffusion --settings                             all settings and their defaults

Results go to results/<study>-001, or where out=<folder> says.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. A mistake of the user costs one sentence and 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say  # type: ignore[assignment]
            return _run(words)
    except InputError as error:
        print(f"cpdiffusion: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        said = str(stop) or "interrupted; nothing was written. The same command starts again."
        print(f"\ncpdiffusion: {said}", file=sys.stderr)
        return 130


def _say(message: Warning | str, *_: Any) -> None:
    """A warning as a sentence, without the place in the code that raised it."""
    print(f"cpdiffusion: {message}", file=sys.stderr)


def _run(words: list[str]) -> int:
    if "--help" in words or "-h" in words:
        print(HELP, end="")
        return 0
    if "--version" in words:
        from importlib.metadata import version

        print(version("cpdiffusion"))
        return 0
    if "--settings" in words:
        from cpdiffusion.config import folder_of

        print((folder_of("conf") / "config.yaml").read_text(encoding="utf-8"), end="")
        return 0
    return _study(words)


# Studies are imported when they are asked for: --help and a mistake must not wait for pandas.
PRINTED = ("audit", "parameters")
WITHOUT_SCENARIOS = ("measures", "validate", "calibrate", "recover", "efficiency")


def _function_of(study: str) -> Callable[..., Any]:
    """A study's function that prints, or that writes its folder."""
    from importlib import import_module

    printed = study in PRINTED
    module = import_module(f"cpdiffusion.studies.{study if printed else f'{study}.folder'}")
    function: Callable[..., Any] = getattr(module, f"print_{study}" if printed else f"{study}_to_folder")
    return function


def _study(words: list[str]) -> int:
    from cpdiffusion.config import folder_of, load

    settings = load(words)
    command = shlex.join(["cpdiffusion", *words])
    function = _function_of(settings.study)
    if settings.study in PRINTED:
        function(settings.table)
    elif settings.study in WITHOUT_SCENARIOS:
        function(settings, command)
    else:
        function(settings, folder_of("scenarios"), command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
