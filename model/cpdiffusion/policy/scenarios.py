"""Scenario files: one readable YAML per policy, checked before anything is computed.

A file is data and nothing else: no tags, no aliases, no ``_target_``; what it may say is the
schema below.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cpdiffusion.errors import InputError, did_you_mean
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.instruments.checks import require_known
from cpdiffusion.instruments.enactment import Enactment
from cpdiffusion.policy.levers import Levers


class Scenario(BaseModel):
    """A policy scenario: what it stands for, where that comes from, and its levers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9_\-]+$")
    title: str = Field(min_length=1)
    title_ko: str | None = None
    stands_for: str = Field(min_length=1)
    source: str = Field(min_length=1)
    baseline: str | None = None
    levers: Levers
    instruments: dict[str, Enactment] = Field(default_factory=dict)

    @field_validator("instruments", mode="before")
    @classmethod
    def _a_number_is_a_strength(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: {"strength": e} if is_number(e) else e for name, e in value.items()}


def is_number(value: object) -> bool:
    """Whether it is a number and not merely counts as one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def load_scenario(name: str, folder: Path, changes: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario of an id in ``folder``, or of a path to a user's own YAML file.

    ``changes`` are levers and instruments that replace those of the file.
    """
    path = scenario_path(name, folder)
    content = read_plain_yaml(path)
    levers = content.get("levers")
    if levers is not None and not isinstance(levers, dict):
        raise InputError(f"{path.name}: 'levers' must be a list of 'name: value' lines.")
    instruments = content.get("instruments") or {}
    if not isinstance(instruments, dict):
        raise InputError(f"{path.name}: 'instruments' must be a list of 'name: strength' lines.")
    new_levers, new_instruments = split(changes or {})
    merged = {
        **content,
        "id": path.stem,
        "levers": {**(levers or {}), **new_levers},
        "instruments": {**instruments, **new_instruments},
    }
    return _validated(merged, path.name, changes or {})


def with_changes(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """The scenario with some levers and instruments replaced. InputError for what they cannot be."""
    if not changes:
        return scenario
    content = scenario.model_dump(exclude_unset=True)
    levers, instruments = split(changes)
    content["levers"] = {**content["levers"], **levers}
    content["instruments"] = {**content.get("instruments", {}), **instruments}
    return _validated(content, scenario.id, changes)


def _validated(content: Mapping[str, Any], name: str, changes: Mapping[str, Any]) -> Scenario:
    try:
        scenario = Scenario.model_validate(content)
        require_known(name, scenario.instruments)
        return scenario
    except ValidationError as error:
        changed = set(map(str, error.errors()[0]["loc"])) & set(changes)
        where = "" if changed else f"{name}: "
        raise InputError(f"{where}{first_problem(error, Scenario)}") from None


def split(changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Levers, and instruments; InputError for a name that is neither."""
    for name in changes:
        if name not in Levers.model_fields and name not in CATALOGUE:
            known = [*Levers.model_fields, *CATALOGUE]
            raise InputError(f"'{name}' is neither a lever nor an instrument{did_you_mean(name, known)}")
    levers = {name: value for name, value in changes.items() if name not in CATALOGUE}
    return levers, {name: value for name, value in changes.items() if name in CATALOGUE}


def scenario_path(name: str, folder: Path) -> Path:
    """Where the scenario is; InputError with a suggestion when there is none."""
    if name.endswith((".yaml", ".yml")):
        if not Path(name).is_file():
            raise InputError(f"scenarios: there is no file {name}.")
        return Path(name)
    path = folder / f"{name}.yaml"
    if path.parent != folder or not path.is_file():
        raise InputError(
            f"scenarios: there is no scenario '{name}'{did_you_mean(name, scenario_ids(folder))}"
        )
    return path


def scenario_ids(folder: Path) -> list[str]:
    """Ids of the scenarios in a folder."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_plain_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping of plain data; tags, aliases, repeated keys and ``_target_`` are refused."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        _refuse_code(path.name, text)
        content = yaml.safe_load(text)
    except UnicodeDecodeError:
        raise InputError(f"{path.name}: is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path.name}: cannot be read ({error.strerror}).") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "is not YAML"
        raise InputError(f"{path.name}{where}: {problem}; write 'name: value' lines.") from None
    if not isinstance(content, dict):
        raise InputError(f"{path.name}: must hold 'name: value' lines, beginning with 'title:'.")
    return content


def _refuse_code(name: str, text: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if tag := getattr(event, "tag", None):
            raise InputError(f"{name} line {line}: the tag '{tag}' is not allowed; plain values only.")
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{name} line {line}: aliases (*) are not allowed; write the value out.")
        if getattr(event, "value", None) == "_target_":
            raise InputError(f"{name} line {line}: '_target_' would run code and is not allowed; remove it.")
    _refuse_repeated_keys(name, yaml.compose(text, Loader=yaml.SafeLoader))


def _refuse_repeated_keys(name: str, node: yaml.Node | None) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            raise InputError(
                f"{name} line {key.start_mark.line + 1}: '{key.value}' is there twice; keep one."
            )
        seen.add(key.value)
        _refuse_repeated_keys(name, value)


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first validation error as one sentence that names the key and what would be right."""
    problem = error.errors(include_url=False)[0]
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place)
    if problem["type"] == "extra_forbidden":
        return f"'{key}' is not known{did_you_mean(place[-1], _fields_at(model, place[:-1]))}"
    if problem["type"] == "missing":
        return f"'{key}' is missing."
    if place[:1] == ["instruments"] and problem["type"] in ("model_type", "model_attributes_type"):
        return f"{key}={problem['input']!r}: must be a number from 0 to 1, its strength, or settings with it."
    message = problem["msg"].replace("Input should be", "must be")
    return f"{key}={problem['input']!r}: {message[0].lower()}{message[1:]}."


def _fields_at(model: type[BaseModel], place: list[str]) -> list[str]:
    if place[:1] == ["instruments"]:
        return list(Enactment.model_fields)
    for part in place:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)
