"""From words on a command line to validated settings. Only here and in cli.py is Hydra known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.policy.levers import Levers
from cpdiffusion.policy.scenarios import first_problem
from cpdiffusion.studies.settings import SHIPPED, Settings, names_a_posterior

PACKAGE = Path(__file__).resolve().parent
DRAWING = ("compare", "headline", "optimise")  # studies that draw parameters from a posterior
FREE = {
    "parameters": sorted(BY_NAME),
    "levers": sorted(Levers.model_fields),
    "instruments": sorted(CATALOGUE),
    "changes": None,
    "factors": None,
    "optimise.thresholds": None,
}


def folder_of(name: str) -> Path:
    """``conf`` or ``scenarios``: inside an installed package, or beside ``model`` in a checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parents[1] / name


def load(overrides: Sequence[str] = ()) -> Settings:
    """Settings from overrides such as ``["region=busan", "levers.subsidy_rate=0.2"]``."""
    words = [_checked(word) for word in overrides]
    try:
        with initialize_config_dir(str(folder_of("conf")), version_base="1.3"):
            composed = compose("config", overrides=words)
        content = OmegaConf.to_container(composed, resolve=False)
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_sentence(error, overrides)) from None
    return validated(content)


def validated(content: Any) -> Settings:
    """Settings from plain data; InputError names the first key that is wrong."""
    try:
        settings = Settings.model_validate(_without_short_form(content))
    except ValidationError as error:
        raise InputError(first_problem(error, Settings)) from None
    _require_drawn_from(settings)
    _require_read(settings)
    return settings


def _without_short_form(content: Any) -> Any:
    """``parameters: posterior`` or ``parameters: <file>.parquet`` is short for ``posterior.file``."""
    if not isinstance(content, dict) or not isinstance(content.get("parameters"), str):
        return content
    file = _posterior_file(content["parameters"])
    return {**content, "parameters": {}, "posterior": {**content.get("posterior", {}), "file": file}}


def _posterior_file(word: str) -> str:
    file = SHIPPED if word == "posterior" else word
    if not names_a_posterior(file.strip("'\"")):
        raise InputError(
            f"parameters={word}: write parameters=posterior, parameters=<file>.parquet, or one value with "
            "parameters.<name>=<value>."
        )
    return file


def _require_drawn_from(settings: Settings) -> None:
    """InputError where a posterior is given to a study that would not draw from it."""
    file = settings.posterior.file
    if file is not None and settings.study not in DRAWING:
        word = "posterior" if file == SHIPPED else file
        raise InputError(
            f"parameters={word}: only {_listed(DRAWING)} draw parameters from a "
            "posterior; name one of them, or give values with parameters.<name>=<value>."
        )


def _listed(studies: Sequence[str]) -> str:
    *most, last = (f"study={name}" for name in studies)
    return f"{', '.join(most)} and {last}"


def _require_read(settings: Settings) -> None:
    """InputError where a parameter is fixed for a study that would not look at it."""
    if settings.parameters and settings.study in ("validate", "audit"):
        name = next(iter(settings.parameters))
        raise InputError(f"parameters.{name}: study={settings.study} does not read it; leave it out.")


def _checked(word: str) -> str:
    """An override as Hydra wants it; free-form groups take any key that their registry knows."""
    key, equals, value = word.partition("=")
    if not equals:
        raise InputError(f"'{word}': a setting is written name=value{_near(key)}")
    if "${" in value:
        raise InputError(f"{key}: '${{...}}' is not allowed; write the value out.")
    if key.startswith(("+", "~", "hydra")):
        raise InputError(f"'{word}': settings are replaced, not added or removed; write name=value.")
    if key == "parameters" and value != "{}":
        return f"posterior.file={_posterior_file(value)}"
    if group := next((name for name in FREE if key.startswith(f"{name}.")), None):
        _require_known(group, key)
        return f"++{word}"
    return word


def _require_known(group: str, key: str) -> None:
    names, name = FREE[group], key.partition(".")[2]
    if names is not None and name not in names:
        raise InputError(f"{key}: not known{did_you_mean(name, names)}")
    if group == "changes" and name.count(".") != 1:
        raise InputError(f"{key}: write changes.<scenario>.<lever or instrument>=<value>.")


def known_keys() -> list[str]:
    """All settings that can be set, dotted."""
    with initialize_config_dir(str(folder_of("conf")), version_base="1.3"):
        return sorted(_dotted(compose("config")))


def _dotted(node: DictConfig, prefix: str = "") -> list[str]:
    names = []
    for key in map(str, node):
        child = node._get_node(key)
        name = f"{prefix}{key}"
        names += _dotted(child, f"{name}.") if isinstance(child, DictConfig) and child else [name]
    return names


def _near(key: str) -> str:
    return did_you_mean(key, known_keys())


def _sentence(error: Exception, overrides: Sequence[str]) -> str:
    text = str(error)
    if missing := re.search(r"Could not override '([^']+)'", text):
        return f"{missing[1]}: there is no such setting{_near(missing[1])}"
    if missing := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        choices = [path.stem for path in (folder_of("conf") / missing[1]).glob("*.yaml")]
        return f"{missing[1]}={missing[2]}: there is no such {missing[1]}{did_you_mean(missing[2], choices)}"
    return (
        f"the settings '{' '.join(overrides)}' cannot be read; write name=value, lists as [a,b] without "
        "blanks, and quote values with blanks or Korean letters."
    )
