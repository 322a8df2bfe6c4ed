"""Every summary ends with what to ask next, and those commands can be given."""

from __future__ import annotations

import re
import shlex
from typing import get_args

import pytest

from cpdiffusion.config import load
from cpdiffusion.studies.going_on import NEXT, following, with_next_commands
from cpdiffusion.studies.settings import Settings

ASKED = "cpdiffusion region=busan 'scenarios=[none,cluster_10]' levers.subsidy_rate=0.1 seed=3 why=false"


@pytest.mark.parametrize("study", sorted(NEXT))
def test_what_is_suggested_can_be_given(study: str) -> None:
    text = with_next_commands("# It\n", study, ASKED)
    commands = re.findall(r"^cpdiffusion .*$", text, flags=re.MULTILINE)
    assert len(commands) == len(NEXT[study])
    for command in commands:
        settings = load(shlex.split(command, comments=True)[1:])
        assert settings.study != study
        if settings.study not in ("calibrate", "allocate") and study != "measures":
            assert settings.region == "busan"
            assert settings.levers == {"subsidy_rate": 0.1}
        assert settings.seed == 1


def test_a_summary_with_suggestions_of_its_own_keeps_them() -> None:
    own = "# It\n\n## Where to go on\n\nhere\n"
    assert with_next_commands(own, "compare", ASKED) == own


def test_only_studies_that_there_are_suggest_and_are_suggested() -> None:
    studies = set(get_args(Settings.model_fields["study"].annotation))
    assert set(NEXT) <= studies
    assert {other for steps in NEXT.values() for other, _, _ in steps} <= studies


def test_what_another_study_does_not_read_is_left_out() -> None:
    command = "cpdiffusion study=portfolio portfolio.largest=2 region=ansan out=x"
    assert following(command, "optimise", ("region",)) == "cpdiffusion study=optimise region=ansan"
