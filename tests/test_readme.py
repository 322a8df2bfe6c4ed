"""What the README says works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from cpdiffusion.config import folder_of, load
from cpdiffusion.studies.setup import plan

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line.partition("#")[0] for line in README.splitlines() if line.startswith("cpdiffusion ")]
THE_USERS_OWN = ("my_policy.yaml", "mine.yaml", "firms.csv", "--settings")


@pytest.mark.parametrize("command", [c for c in COMMANDS if not any(own in c for own in THE_USERS_OWN)])
def test_a_command_of_the_readme_is_understood(command: str) -> None:
    settings = load(shlex.split(command)[1:])
    assert settings.study != "compare" or plan(settings, folder_of("scenarios")).pairs


def test_there_are_commands_to_try() -> None:
    assert len(COMMANDS) > 5


def test_the_python_of_the_readme_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = [f"f{k}" for k in range(60)]
    firms = pd.DataFrame({"firm": names, "sector": "s", "complex": "c", "employees": 20})
    ties = pd.DataFrame({"source": names, "target": names[1:] + names[:1]})
    exec(code, scope := {"firms": firms, "ties": ties})
    assert len(scope["result"].table) > 0
    assert scope["model"].quarter == 1


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_a_link_of_the_readme_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
