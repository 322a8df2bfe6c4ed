"""From words on a command line to validated settings. Only here and in cli.py is Hydra known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
from cpdiffusion.policy.scenarios import first_problem, read_plain_yaml
from cpdiffusion.studies.settings import SHIPPED, Settings, names_a_posterior

PACKAGE = Path(__file__).resolve().parent
DRAWING = ("compare", "headline", "sweep", "allocate", "replicates", "optimise")  # from a posterior
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
    """Settings from overrides such as ``["region=busan", "levers.subsidy_rate=0.2"]``.

    A word such as ``mine.yaml`` is a file of settings; what is said beside it comes before what it says.
    """
    files = [word for word in overrides if "=" not in word and word.endswith((".yaml", ".yml"))]
    words = [_checked(word) for word in overrides if word not in files]
    if not files:
        return validated(_composed(words, overrides))
    return validated(_with_files([_settings_in(Path(file)) for file in files], words, overrides))


def _composed(words: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    """Settings as plain data; InputError, in terms of what was ``said``, where words cannot be read."""
    try:
        with initialize_config_dir(str(folder_of("conf")), version_base="1.3"):
            composed = compose("config", overrides=list(words))
        content: dict[str, Any] = OmegaConf.to_container(composed, resolve=False)  # type: ignore[assignment]
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_sentence(error, said)) from None
    return content


def _with_files(files: Sequence[dict[str, Any]], words: Sequence[str], said: Sequence[str]) -> dict[str, Any]:
    """The defaults of the study, then the files in their order, then the words."""
    study = next((f["study"] for f in reversed(files) if "study" in f), None)
    first = [f"study={study}"] if study and not any(word.startswith("study=") for word in words) else []
    content = _composed([*first, *words], said)
    asked = [tuple(word.partition("=")[0].lstrip("+").split(".")) for word in words]
    for file in files:
        for path, value in _leaves(file):
            if not any(path[: len(key)] == key for key in asked):
                _put(content, path, value)
    return content


def _settings_in(path: Path) -> dict[str, Any]:
    """What a file of settings says; InputError names it."""
    content = read_plain_yaml(path)
    for key in content:
        name = str(key).partition(".")[0]
        if name not in Settings.model_fields:
            hint = did_you_mean(name, Settings.model_fields)
            raise InputError(f"{path.name}: there is no setting '{name}'{hint}")
    return content


def _leaves(tree: Mapping[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value with its path; dotted keys and nested ones are the same."""
    for key, value in tree.items():
        path = (*before, *str(key).split("."))
        if isinstance(value, dict) and value:
            yield from _leaves(value, path)
        else:
            yield path, value


def _put(content: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        inner = content.get(key)
        content[key] = content = inner if isinstance(inner, dict) else {}
    content[path[-1]] = value


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
            f"parameters={word}: study={settings.study} draws no parameters from a posterior; name one that "
            f"does ({', '.join(DRAWING)}), or give values with parameters.<name>=<value>."
        )


def _require_read(settings: Settings) -> None:
    """InputError where a parameter is fixed for a study that would not look at it."""
    if settings.parameters and settings.study in ("validate", "audit", "efficiency"):
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
