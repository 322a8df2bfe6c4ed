"""Scenario files: those shipped are complete; a user's own are checked and cannot run code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cpdiffusion.config import folder_of, load
from cpdiffusion.errors import InputError
from cpdiffusion.instruments.catalogue import CATALOGUE
from cpdiffusion.parameters import BY_NAME
from cpdiffusion.policy.design import CHANNELS, design_of
from cpdiffusion.policy.scenarios import load_scenario, scenario_ids
from cpdiffusion.registry.instruments import INSTRUMENTS
from cpdiffusion.studies.compare.study import compare
from cpdiffusion.studies.scenario_table import RESTS_ON, TARGETS, scenario_table

FOLDER = folder_of("scenarios")
DOCS = Path(__file__).resolve().parents[1] / "docs"
GOOD = "title: T\nstands_for: S\nsource: me\nlevers:\n  support: cluster\n  cohort_size: 20\n"


@pytest.mark.parametrize("name", scenario_ids(FOLDER))
def test_every_shipped_scenario_says_what_it_is(name: str) -> None:
    scenario = load_scenario(name, FOLDER)
    assert scenario.title_ko
    assert len(scenario.stands_for) > 60
    assert scenario.source
    assert name == "none" or scenario.baseline in scenario_ids(FOLDER)
    design_of(scenario.levers)


@pytest.mark.parametrize("name", [n for n in scenario_ids(FOLDER) if load_scenario(n, FOLDER).baseline])
def test_every_scenario_runs_and_is_another_case_than_its_baseline(name: str) -> None:
    base = load_scenario(name, FOLDER).baseline
    assert base is not None
    assert not same_course(name, base)


def test_a_scenario_without_strength_is_the_same_case_as_its_baseline() -> None:
    assert same_course("shared_digital", "none", "changes.shared_digital.shared_digital=0")


def same_course(name: str, base: str, *more: str) -> bool:
    """Whether adopters, accidents and money take the same course in both."""
    quick = ["replicates.at_least=4", "replicates.at_most=4", "why=false", "turning=false", "progress=false"]
    result = compare(load([*quick, f"scenarios=[{base},{name}]", *more]), FOLDER)
    assert result.plan.baselines == {base: None, name: base}
    course = result.trajectories.set_index("scenario")
    return course.loc[name].reset_index(drop=True).equals(course.loc[base].reset_index(drop=True))


# --- the table and the guide ---------------------------------------------------------------------


def test_the_printed_table_of_scenarios_is_up_to_date() -> None:
    assert (DOCS / "scenarios.md").read_text(encoding="utf-8") == scenario_table(FOLDER)


def test_the_guide_links_to_instruments_that_it_describes() -> None:
    linked = re.findall(r"\]\(instruments\.md#(\w+)\)", scenario_table(FOLDER))
    assert set(linked) == set(CATALOGUE)
    assert set(linked) <= set(headings_of_the_guide())


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_instrument_is_described_once_and_tried_in_a_scenario(name: str) -> None:
    assert headings_of_the_guide().count(name) == 1
    assert any(name in load_scenario(s, FOLDER).instruments for s in scenario_ids(FOLDER))


def headings_of_the_guide() -> list[str]:
    return re.findall(r"^## `(\w+)`$", (DOCS / "instruments.md").read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_guide_names_every_parameter_of_an_instrument(name: str) -> None:
    guide = (DOCS / "instruments.md").read_text(encoding="utf-8")
    assert all(f"`{parameter}`" in guide for parameter in CATALOGUE[name].parameters)


def test_the_guide_names_nothing_that_does_not_exist() -> None:
    guide = (DOCS / "instruments.md").read_text(encoding="utf-8")
    levers = {*load_scenario("none", FOLDER).levers.model_dump(), "cluster", "individual"}
    assert set(re.findall(r"`(\w+)`", guide)) <= set(BY_NAME) | set(CATALOGUE) | levers


def test_instruments_and_registry_know_the_same_parameters() -> None:
    named = {parameter for instrument in CATALOGUE.values() for parameter in instrument.parameters}
    assert named <= set(BY_NAME)
    # the queue is the programme's: training shortens it, and it is there without training
    assert {p.name for p in INSTRUMENTS} - named <= {"queue_dropout_per_quarter"}


def test_the_table_knows_what_every_channel_rests_on() -> None:
    assert set(RESTS_ON) == set(CHANNELS)
    rests = {name for names in (*RESTS_ON.values(), *TARGETS.values()) for name in names}
    assert rests <= set(BY_NAME)


def table_of(tmp_path: Path, *more: str) -> str:
    (tmp_path / "base.yaml").write_text(GOOD + "instruments: {carbon_border: 1}\n")
    (tmp_path / "mine.yaml").write_text(GOOD + "baseline: base\n" + "\n".join(more))
    return scenario_table(tmp_path).splitlines()[-1]


def test_the_table_says_what_a_scenario_leaves_out_and_how_it_enacts(tmp_path: Path) -> None:
    line = table_of(tmp_path, "instruments: {round_table: {strength: 0.5, first_year: 2}}")
    assert "without [`carbon_border`]" in line
    assert "(strength 0.5, first_year 2): meetings" in line
    assert "`round_table_share`" in line
    assert "carbon_border_log_benefit" not in line


def test_the_table_shows_a_scenario_that_changes_nothing_as_such(tmp_path: Path) -> None:
    assert table_of(tmp_path, "instruments: {carbon_border: 1}") == "| `mine` | T | me | `base` |  |  |"


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
