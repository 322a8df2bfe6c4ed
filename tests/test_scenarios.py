"""Scenario files: those shipped are complete; a user's own are checked and cannot run code."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpdiffusion.config import folder_of
from cpdiffusion.errors import InputError
from cpdiffusion.policy.design import design_of
from cpdiffusion.policy.scenarios import load_scenario, scenario_ids

FOLDER = folder_of("scenarios")
GOOD = "title: T\nstands_for: S\nsource: me\nlevers:\n  support: cluster\n  cohort_size: 20\n"


@pytest.mark.parametrize("name", scenario_ids(FOLDER))
def test_every_shipped_scenario_says_what_it_is(name: str) -> None:
    scenario = load_scenario(name, FOLDER)
    assert scenario.title_ko
    assert len(scenario.stands_for) > 60
    assert scenario.source
    assert name == "none" or scenario.baseline in scenario_ids(FOLDER)
    design_of(scenario.levers)


def own(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_planner_can_bring_a_file_and_change_a_number(tmp_path: Path) -> None:
    scenario = load_scenario(own(tmp_path, GOOD), FOLDER, {"cohort_size": 12})
    assert (scenario.id, scenario.levers.cohort_size, scenario.levers.support) == ("mine", 12, "cluster")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load_scenario(own(tmp_path, b"\xef\xbb\xbf" + GOOD.encode()), FOLDER).title == "T"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("title", "titel"), "'title' is missing|'titel' is not known; did you mean 'title'"),
        (GOOD.replace("cohort_size", "cohort_siz"), "'levers.cohort_siz' is not known; did you mean"),
        (GOOD.replace("20", "1"), "levers.cohort_size=1: must be greater than or equal to 2"),
        (GOOD.replace("20", "many"), "levers.cohort_size='many'"),
        (GOOD.replace("cluster", "cohort"), "levers.support='cohort': must be 'none', 'individual' or"),
        (GOOD + "  cohort_size: 30\n", "line 7: 'cohort_size' is there twice"),
        (GOOD + "  _target_: os.system\n", "line 7: '_target_' would run code"),
        (GOOD.replace("T\n", "!!python/object/apply:os.system ['true']\n"), "line 1: the tag"),
        (GOOD.replace("T\n", "&a T\n").replace("me\n", "*a\n"), "line 3: aliases"),
        (GOOD.replace("title: T", "title: [T"), "line"),
        ("just words", "'name: value' lines"),
        ("", "'name: value' lines"),
        (GOOD.replace("levers:", "levers: 3\nother:"), "'levers' must be a list"),
        ("title: \xb5".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_faulty_scenario_is_one_sentence(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        load_scenario(own(tmp_path, text), FOLDER)
    assert str(error.value).startswith("mine.yaml")
    assert "\n" not in str(error.value)


def test_an_unknown_scenario_gets_a_suggestion() -> None:
    with pytest.raises(InputError, match="did you mean 'cluster_25'"):
        load_scenario("cluster_26", FOLDER)


def test_a_name_cannot_leave_the_folder() -> None:
    with pytest.raises(InputError, match="there is no scenario"):
        load_scenario("../conf/config", FOLDER)
