"""The figures: what is drawn is what was given, readable, and the same bytes every time."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from PIL import Image

from cpdiffusion.engine.state import NEVER
from cpdiffusion.errors import InputError
from cpdiffusion.evidence.table4 import rows_by_region, table4
from cpdiffusion.plots import adoption, curve, differences, network, roi, style, turning, why
from cpdiffusion.plots.save import figure, save
from cpdiffusion.world.firms import Firms
from cpdiffusion.world.ties import Ties
from cpdiffusion.world.world import World

LONG = "Cohorts of 25 firms with 30 % investment subsidy and integrated safety"
TITLES = {
    "none": "No programme",
    "individual": "Individual support",
    "cluster": "Cohorts of 25 firms",
    "sub": LONG,
    "tiny": "Cohorts of 5 firms",
    "big": "Cohorts of 200 firms, connected firms first",
}
KOREAN = {name: f"25개사 공동 지원 ${name}^$" for name in TITLES}  # no valid formula
OUTCOMES = ("adopters", "total_benefit_mkrw", "programme_roi")


# --- made-up results -----------------------------------------------------------------------------


def trajectories(scenarios: Sequence[str] = tuple(TITLES), quarters: int = 20) -> pd.DataFrame:
    rows = []
    for k, scenario in enumerate(scenarios):
        for quarter in range(quarters):
            mean = (quarter + 1) * (3 + 0.1 * k)
            spread = {"p05": 0.8 * mean, "p50": 0.99 * mean, "p95": 1.3 * mean}
            rows.append({"scenario": scenario, "quarter": quarter, "mean": mean, **spread})
    frame = pd.DataFrame(rows)
    other = frame.assign(variable="advice", mean=1e6)
    return pd.concat([frame.assign(variable="adopters"), other], ignore_index=True)


def comparison(scenarios: Sequence[str] = ("cluster", "sub"), scale: float = 1.0) -> pd.DataFrame:
    units = ("firms", "million KRW", "ratio")
    rows: list[dict[str, Any]] = []
    for outcome, unit in zip(OUTCOMES, units, strict=True):
        shared = {"outcome": outcome, "label": outcome.replace("_", " "), "unit": unit}
        nothing = dict.fromkeys(differences_columns(), math.nan)
        rows.append({"scenario": "individual", "baseline": "", **shared, **nothing})
        for k, scenario in enumerate(scenarios):
            middle = scale * (12.5 - 20 * k)
            found = (middle, middle - 4 * scale, middle + 5 * scale, 0.9)
            values = dict(zip(differences_columns(), found, strict=True))
            rows.append({"scenario": scenario, "baseline": "individual", **shared, **values})
    return pd.DataFrame(rows)


def differences_columns() -> tuple[str, ...]:
    return ("difference", "difference_low", "difference_high", "probability_better")


def shares(pairs: Sequence[tuple[str, str]] = (("cluster", "individual"),)) -> pd.DataFrame:
    channels = (("advice", "cheaper advice: more firms for the same money", 9.0),
                ("learning", "learning within the cohort", 1.5),
                ("coordination", "cost of coordination", -3.5))  # fmt: skip
    rows = [
        (*pair, channel, words, share, share - 1, share + 2)
        for pair in pairs
        for channel, words, share in channels
    ]
    numbers = ["share", "share_low", "share_high"]
    return pd.DataFrame(rows, columns=["scenario", "baseline", "channel", "words", *numbers])


def assumptions(rows: int = 12) -> pd.DataFrame:
    return pd.DataFrame([
        {"parameter": f"p{k}", "meaning": f"weight number {k} of a result seen through a tie",
         "unit": "accidents per worker and year", "status": "assumed", "low": 0.0, "high": 0.6,
         "difference_at_default": 20.0, "difference_at_low": 20.0 - 3 * k,
         "difference_at_high": 21.0 + k}
        for k in range(rows)
    ])  # fmt: skip


def simulated(scenarios: Sequence[str] = ("individual", "sub")) -> pd.DataFrame:
    rows = [
        {"scenario": s, "programme_year": year, "p05": 2.0 + k, "p50": 5.0 + k, "p95": 12.0 + year}
        for k, s in enumerate(scenarios)
        for year in (1, 2, 3)
    ]
    return pd.DataFrame(rows, columns=["scenario", "programme_year", "p05", "p50", "p95"])


def a_world(firms_in_complexes: Sequence[int], pairs: Sequence[tuple[int, int]] = ()) -> World:
    """Firms in complexes of given sizes; each pair is a tie in both directions."""
    size = sum(firms_in_complexes)
    columns = {name: np.zeros(size) for name in Firms._fields}
    columns["complex"] = np.repeat(np.arange(len(firms_in_complexes)), firms_in_complexes)
    both = sorted({*pairs, *((b, a) for a, b in pairs)})
    return World(Firms(**columns), rows_of(size, both), ("ulsan",), ("all",), ())  # type: ignore[arg-type]


def rows_of(size: int, ties: Sequence[tuple[int, int]]) -> Ties:
    sources = np.array([source for source, _ in ties], np.int64)
    start = np.searchsorted(sources, np.arange(size + 1))
    target = np.array([target for _, target in ties], np.int32)
    return Ties(start, target, np.zeros(len(ties), np.int8), np.ones(len(ties)))


def a_ring(size: int) -> list[tuple[int, int]]:
    return [(firm, (firm + 1) % size) for firm in range(size)]


WORLD = a_world([40, 30, 50], a_ring(120))
ADOPTED = np.where(np.arange(120) % 4 == 0, np.arange(120) // 4, NEVER)
SUPPORTED = np.where(np.arange(120) % 8 < 2, 2, NEVER)


# --- every figure --------------------------------------------------------------------------------


def axes(width: float = 8, height: float = 5) -> Axes:
    return figure(width, height).add_subplot()


def drawn(ax: Axes) -> Figure:
    found = ax.get_figure(root=True)
    assert found is not None
    return found


def panels(frame: pd.DataFrame, titles: dict[str, str], names: Sequence[str]) -> Figure:
    made = figure(9, differences.panels_height_inches(9, frame, titles, names))
    differences.difference_panels(made, frame, titles, names)
    return made


def four_moments(world: World, adopted: Any, supported: Any) -> Figure:
    made = figure(8, 8.5)
    network.adopters_at(made, world, adopted, supported, (0, 3, 9, 29), LONG)
    return made


def no_moments(world: World) -> Figure:
    made, never = figure(8, 8), np.full(world.size, NEVER)
    assert network.adopters_at(made, world, never, never, (), LONG) == []
    return made


def all_figures(titles: dict[str, str]) -> dict[str, Callable[[], Figure]]:
    ulsan, tornado = rows_by_region(table4())["ulsan"], assumptions()
    pairs = shares((("cluster", "individual"), ("sub", "cluster")))
    return {
        "adoption": lambda: drawn(adoption.adoption_curves(axes(), trajectories(), titles)),
        "one scenario": lambda: drawn(
            adoption.adoption_curves(axes(), trajectories(["sub"]), titles)
        ),
        "paired": lambda: drawn(
            differences.paired_differences(axes(8, 3), comparison(), titles, "adopters")
        ),
        "panels": lambda: panels(comparison(), titles, OUTCOMES),
        "why": lambda: drawn(
            why.channel_shares(axes(8, why.height_inches(pairs)), pairs, titles)
        ),
        "network": lambda: four_moments(WORLD, ADOPTED, SUPPORTED),
        "discs": lambda: four_moments(a_world([2000, 1500]), *2 * (np.arange(3500) % 90 - 1,)),
        "roi": lambda: drawn(
            roi.reported_against_simulated(axes(), ulsan, simulated(), titles)
        ),
        "turning": lambda: drawn(
            turning.turning_points(axes(9, turning.height_inches(tornado)), tornado, titles)
        ),
    }  # fmt: skip


def empty_figures() -> dict[str, Callable[[], Figure]]:
    return {
        "adoption": lambda: drawn(
            adoption.adoption_curves(axes(), trajectories().iloc[:0], TITLES)
        ),
        "paired": lambda: drawn(
            differences.paired_differences(axes(), comparison().iloc[:0], TITLES, "adopters")
        ),
        "panels": lambda: panels(comparison().iloc[:0], TITLES, OUTCOMES),
        "no panels": lambda: panels(comparison(), TITLES, []),
        "why": lambda: drawn(why.channel_shares(axes(), shares(()), TITLES)),
        "network": lambda: no_moments(WORLD),
        "discs": lambda: no_moments(a_world([2000, 1500])),
        "roi": lambda: drawn(
            roi.reported_against_simulated(axes(), [], simulated(()), TITLES)
        ),
        "turning": lambda: drawn(turning.turning_points(axes(), assumptions(0), TITLES)),
    }  # fmt: skip


FIGURES = all_figures(TITLES)


def visible_texts(made: Figure) -> list[Text]:
    made.draw_without_rendering()
    texts = [text for text in made.findobj(Text) if isinstance(text, Text) and text.get_visible()]
    return [text for text in texts if text.get_text().strip() and is_drawn(text, made)]


def extent(text: Text) -> Bbox:
    """Where the letters are, without the line that leads from a curve to its name."""
    return Text.get_window_extent(text)


def is_drawn(text: Text, made: Figure) -> bool:
    """Tick labels beyond the limits exist but are not drawn; so do the labels of hidden axes."""
    shown = {id(label) for ax in made.axes for label in drawn_tick_labels(ax)}
    ticks = {id(label) for ax in made.axes for label in all_tick_labels(ax)}
    hidden = {id(part) for ax in made.axes if not ax.axison for part in all_tick_labels(ax)}
    return id(text) not in hidden and (id(text) not in ticks or id(text) in shown)


def all_tick_labels(ax: Axes) -> Iterator[Artist]:
    for axis in (ax.xaxis, ax.yaxis):
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            yield from (tick.label1, tick.label2)


def drawn_tick_labels(ax: Axes) -> Iterator[Artist]:
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = (tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)
        yield from (tick.label1 for tick in ticks)


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off(name: str) -> None:
    made = FIGURES[name]()
    edges = made.bbox.padded(1)
    for text in visible_texts(made):
        box = extent(text)
        assert edges.x0 <= box.x0, text.get_text()
        assert box.x1 <= edges.x1, text.get_text()
        assert edges.y0 <= box.y0, text.get_text()
        assert box.y1 <= edges.y1, text.get_text()


@pytest.mark.parametrize("name", FIGURES)
def test_no_two_texts_overlap(name: str) -> None:
    texts = visible_texts(FIGURES[name]())
    boxes = [extent(text).padded(-1) for text in texts]
    for k, box in enumerate(boxes):
        for other, place in zip(texts[:k], boxes[:k], strict=True):
            assert not box.overlaps(place), (texts[k].get_text(), other.get_text())


@pytest.mark.parametrize("name", FIGURES)
def test_every_text_has_nine_points_or_more(name: str) -> None:
    sizes = [text.get_fontsize() for text in visible_texts(FIGURES[name]())]
    assert sizes
    assert min(map(float, sizes)) >= 9


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_data_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    first, second = (save(FIGURES[name](), tmp_path / f"{k}.png") for k in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", FIGURES)
def test_global_settings_are_left_as_they_were(name: str, tmp_path: Path) -> None:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        before = dict(matplotlib.rcParams)
        save(FIGURES[name](), tmp_path / "figure.png")
        assert dict(matplotlib.rcParams) == before


def test_a_dark_theme_of_the_user_does_not_reach_the_figures(tmp_path: Path) -> None:
    from matplotlib.style import library

    plain = save(FIGURES["why"](), tmp_path / "plain.png")
    with matplotlib.rc_context(library["dark_background"]):
        dark = save(FIGURES["why"](), tmp_path / "dark.png")
    assert plain.read_bytes() == dark.read_bytes()


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", FIGURES)
def test_korean_titles_and_dollar_signs_do_not_crash(name: str, tmp_path: Path) -> None:
    assert save(all_figures(KOREAN)[name](), tmp_path / "figure.png").stat().st_size > 5000


@pytest.mark.parametrize("name", empty_figures())
def test_an_empty_result_gives_a_figure(name: str, tmp_path: Path) -> None:
    assert save(empty_figures()[name](), tmp_path / "figure.png").exists()


def test_drawing_loads_no_pyplot() -> None:
    modules = "adoption, differences, network, roi, save, turning, why"
    code = f"from cpdiffusion.plots import {modules}; save.figure(1, 1).add_subplot()"
    code += "; import sys; print('matplotlib.pyplot' in sys.modules)"
    path = str(Path(__file__).resolve().parents[1] / "model")
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); {code}"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "False"


# --- saving --------------------------------------------------------------------------------------


def test_a_saved_figure_has_its_size_and_names_no_version(tmp_path: Path) -> None:
    path = save(figure(4, 3), tmp_path / "figure.png")
    with Image.open(path) as image:
        assert image.size == (600, 450)
        assert set(image.info) == {"dpi"}


def test_a_figure_that_cannot_be_drawn_leaves_the_old_file(tmp_path: Path) -> None:
    path = save(figure(4, 3), tmp_path / "figure.png")
    before, broken = path.read_bytes(), figure(4, 3)
    broken.text(0, 0, "$\\nonsense{$")
    with pytest.raises(ValueError, match="nonsense"):
        save(broken, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_who_is_reading_the_old_file_keeps_reading_it(tmp_path: Path) -> None:
    path = save(figure(4, 3), tmp_path / "figure.png")
    before = path.read_bytes()
    with path.open("rb") as reader:
        save(figure(1, 1), path)
        assert reader.read() == before
    assert path.read_bytes() != before


def test_a_place_that_cannot_be_written_is_left_clean(tmp_path: Path) -> None:
    (tmp_path / "figure.png").mkdir()
    with pytest.raises(OSError, match=r"figure\.png"):
        save(figure(1, 1), tmp_path / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]


def test_saving_leaves_canvas_and_resolution_of_a_foreign_figure(tmp_path: Path) -> None:
    foreign = Figure((2, 1), dpi=80)
    canvas = foreign.canvas
    with Image.open(save(foreign, tmp_path / "figure.png")) as image:
        assert image.size == (300, 150)
    assert foreign.canvas is canvas
    assert foreign.dpi == 80


# --- words, numbers and places -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234567.0, "+1,234,567"), (1234.56, "+1,235"), (12.345, "+12.3"), (-0.5, "−0.500"),
        (3.0, "+3"), (0.0, "0"), (4.2e-7, "+4.2×10⁻⁷"), (-2.5e12, "−2.5×10¹²"),
        (math.inf, "+∞"), (-math.inf, "−∞"), (math.nan, "–"),
    ],
)  # fmt: skip
def test_a_number_is_written_for_a_reader(value: float, shown: str) -> None:
    assert style.number(value, sign=True) == shown


def test_a_small_negative_number_that_rounds_to_zero_has_no_sign() -> None:
    assert style.number(-0.01, decimals=1, sign=True) == "0.0"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12500.0, "12,500"), (0.30000000000000004, "0.3"), (-5e7, "−5×10⁷"), (0.0, "0")],
)
def test_a_tick_is_short(value: float, shown: str) -> None:
    assert style.tick(value) == shown


def test_an_interval_has_the_decimals_of_its_largest_number() -> None:
    assert style.with_interval(0.5, -2.25, 31.4) == "+0.5\n(−2.2 to +31.4)"
    assert style.with_interval(2.5, math.nan, math.nan) == "+2.50"


def test_a_percent_sign_stays_with_its_number() -> None:
    lines = style.wrapped(LONG, 28).split("\n")
    assert not any(line.startswith("%") for line in lines)
    assert max(map(len, lines)) <= 28


def test_a_scenario_keeps_its_look_whatever_is_drawn_beside_it() -> None:
    alone, among = style.looks(["sub"], TITLES)["sub"], style.looks(TITLES, TITLES)["sub"]
    assert alone == among


def test_no_two_of_fifty_looks_are_the_same_without_colour() -> None:
    kinds = {(str(look.dashes), look.marker) for look in map(style.look, range(50))}
    assert len(kinds) == 50


LABELS = st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 0.1)), min_size=1, max_size=9)


@given(LABELS)
def test_spread_labels_stay_inside_in_order_and_apart(labels: list[tuple[float, float]]) -> None:
    wanted = sorted(place for place, _ in labels)
    heights = [height for _, height in labels]
    places = style.spread(wanted, heights)
    bottoms = [place - height / 2 for place, height in zip(places, heights, strict=True)]
    tops = [place + height / 2 for place, height in zip(places, heights, strict=True)]
    assert bottoms[0] >= -1e-9
    assert tops[-1] <= 1 + 1e-9
    assert all(top <= bottom + 1e-9 for top, bottom in zip(tops, bottoms[1:], strict=False))


def test_labels_that_do_not_overlap_stay_where_they_are() -> None:
    assert style.spread([0.2, 0.5, 0.8], [0.1, 0.1, 0.1]) == pytest.approx([0.2, 0.5, 0.8])


def test_two_labels_wanted_at_one_place_move_apart_by_the_same_distance() -> None:
    assert style.spread([0.5, 0.5], [0.1, 0.1]) == pytest.approx([0.45, 0.55])


# --- adoption ------------------------------------------------------------------------------------


def by_gid(ax: Axes, gid: str) -> Any:
    (found,) = [artist for artist in ax.findobj() if artist.get_gid() == gid]
    return found


def test_the_curve_is_the_mean_at_the_end_of_each_quarter() -> None:
    frame = trajectories(["none", "sub"])
    ax = adoption.adoption_curves(axes(), frame, TITLES)
    given_ = frame[(frame.scenario == "sub") & (frame.variable == "adopters")]
    line = by_gid(ax, "mean sub")
    assert np.array_equal(line.get_ydata(), given_["mean"])
    assert line.get_xdata()[[0, 3, -1]].tolist() == [0.25, 1.0, 5.0]


def test_the_band_reaches_from_the_5th_to_the_95th_percentile() -> None:
    frame = trajectories(["sub"])
    ax = adoption.adoption_curves(axes(), frame, TITLES)
    corners = by_gid(ax, "band sub").get_paths()[0].vertices
    for year, low, high in ((0.25, 2.4, 3.9), (5.0, 48.0, 78.0)):
        at = corners[np.isclose(corners[:, 0], year), 1]
        assert (at.min(), at.max()) == pytest.approx((low, high))


def test_quarters_may_come_in_any_order() -> None:
    ax = adoption.adoption_curves(axes(), trajectories(["sub"]).iloc[::-1], TITLES)
    assert np.all(np.diff(by_gid(ax, "mean sub").get_ydata()) > 0)


def test_each_curve_is_named_at_its_end() -> None:
    ax = adoption.adoption_curves(axes(), trajectories(["none", "sub"]), TITLES)
    names = {t.get_text(): t.xy for t in ax.texts if isinstance(t, Annotation)}
    assert names["No programme"] == pytest.approx((5.0, 60.0))
    assert names[style.wrapped(LONG, adoption.LABEL_CHARACTERS)] == pytest.approx((5.0, 62.0))


def test_long_titles_leave_most_of_the_width_to_the_curves() -> None:
    ax = adoption.adoption_curves(axes(), trajectories(), TITLES)
    drawn(ax).draw_without_rendering()
    assert ax.get_position().width > 0.6


def test_a_scenario_without_a_title_is_called_by_its_id() -> None:
    ax = adoption.adoption_curves(axes(), trajectories(["mine"]), {})
    assert [text.get_text() for text in ax.texts] == ["mine"]


def test_axes_of_adoption_carry_units() -> None:
    ax = adoption.adoption_curves(axes(), trajectories(), TITLES)
    assert "Years" in ax.get_xlabel()
    assert "(firms)" in ax.get_ylabel()


# --- differences ---------------------------------------------------------------------------------


def test_dots_and_intervals_are_the_given_differences() -> None:
    ax = differences.paired_differences(axes(), comparison(), TITLES, "adopters")
    assert by_gid(ax, "difference cluster").get_xydata().tolist() == [[12.5, 0]]
    assert by_gid(ax, "interval cluster").get_xdata().tolist() == [8.5, 17.5]
    assert by_gid(ax, "interval sub").get_xdata().tolist() == [-11.5, -2.5]


def test_the_number_and_the_share_of_runs_stand_beside_the_dot() -> None:
    ax = differences.paired_differences(axes(), comparison(), TITLES, "adopters")
    assert ax.texts[0].get_text() == "+12.5\n(+8.5 to +17.5)\nbetter in 90 % of runs"


def test_a_baseline_gets_no_row_of_its_own() -> None:
    ax = differences.paired_differences(axes(), comparison(), TITLES, "adopters")
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "Cohorts of 25 firms", style.wrapped(LONG),
    ]  # fmt: skip


def test_zero_is_always_on_the_axis() -> None:
    far = comparison(["cluster"], scale=1e9)
    low, high = differences.paired_differences(axes(), far, TITLES, "adopters").get_xlim()
    assert low < 0 < high


def test_the_axis_of_a_difference_names_baseline_and_unit() -> None:
    ax = differences.paired_differences(axes(), comparison(), TITLES, "total_benefit_mkrw")
    assert ax.get_xlabel().startswith("Difference to Individual support (million KRW)")


def test_other_baselines_are_named_row_by_row() -> None:
    frame = comparison()
    frame.loc[frame.scenario == "sub", "baseline"] = "cluster"
    ax = differences.paired_differences(axes(), frame, TITLES, "adopters")
    label = ax.get_yticklabels()[1].get_text().replace("\n", " ")
    assert label.endswith("integrated safety, against Cohorts of 25 firms")


def test_outcomes_in_two_units_cannot_share_an_axis() -> None:
    with pytest.raises(InputError, match="firms and million KRW cannot share an axis"):
        differences.paired_differences(axes(), comparison(), TITLES, OUTCOMES[:2])


def test_two_outcomes_in_one_unit_can() -> None:
    frame = comparison(["cluster"])
    frame["unit"] = "firms"
    ax = differences.paired_differences(axes(), frame, TITLES, OUTCOMES[:2])
    labels = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert labels == ["Adopters: Cohorts of 25 firms", "Total benefit mkrw: Cohorts of 25 firms"]


def test_an_unknown_outcome_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(InputError, match=r"'adoptors' is not .* did you mean 'adopters'"):
        differences.paired_differences(axes(), comparison(), TITLES, "adoptors")


def test_unknown_and_infinite_intervals_are_drawn_as_far_as_they_are_known(tmp_path: Path) -> None:
    frame = comparison()
    frame.loc[frame.scenario == "cluster", ["difference_low", "difference_high"]] = math.nan
    frame.loc[frame.scenario == "sub", "difference_high"] = math.inf
    ax = differences.paired_differences(axes(), frame, TITLES, "adopters")
    assert not [a for a in ax.findobj() if a.get_gid() == "interval cluster"]
    assert by_gid(ax, "interval sub").get_xdata()[1] > 1e200
    assert ax.get_xlim()[1] < 20
    assert save(drawn(ax), tmp_path / "figure.png").exists()


def test_each_panel_has_its_outcome_and_unit() -> None:
    made = panels(comparison(), TITLES, OUTCOMES)
    assert [ax.get_xlabel() for ax in made.axes] == [
        "Difference (firms)", "Difference (million KRW)", "Difference (ratio)",
    ]  # fmt: skip
    assert [ax.get_title(loc="left") for ax in made.axes] == [
        "Adopters", "Total benefit mkrw", "Programme roi",
    ]  # fmt: skip


@pytest.mark.parametrize(("width", "columns"), [(5, 1), (9, 2), (13, 3)])
def test_as_many_panels_stand_side_by_side_as_the_width_holds(width: float, columns: int) -> None:
    assert differences.panel_columns(width, 6) == columns


# --- why -----------------------------------------------------------------------------------------


def bar(ax: Axes, gid: str) -> tuple[float, float]:
    found = by_gid(ax, gid)
    return found.get_x(), found.get_x() + found.get_width()


def test_bars_reach_from_zero_to_the_share_in_the_given_order() -> None:
    ax = why.channel_shares(axes(), shares(), TITLES)
    assert bar(ax, "share cluster advice") == (0.0, 9.0)
    assert bar(ax, "share cluster coordination") == (0.0, -3.5)
    words = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert words == ["", *shares()["words"], "total"]


def test_the_total_is_the_sum_of_the_shares() -> None:
    ax = why.channel_shares(axes(), shares(), TITLES)
    assert bar(ax, "share cluster total") == (0.0, 7.0)


def test_a_total_in_the_table_is_drawn_with_its_own_interval() -> None:
    total = {"channel": "total", "words": "total", "share": 7.0, "share_low": 6.5, "share_high": 8}
    given_ = {"scenario": "cluster", "baseline": "individual", **total}
    frame = pd.concat([shares(), pd.DataFrame([given_])], ignore_index=True)
    ax = why.channel_shares(axes(), frame, TITLES)
    assert by_gid(ax, "interval cluster total").get_xdata().tolist() == [6.5, 8.0]
    assert len(ax.get_yticklabels()) == 5


def test_a_negative_share_is_hatched_for_a_grey_printer() -> None:
    ax = why.channel_shares(axes(), shares(), TITLES)
    assert by_gid(ax, "share cluster coordination").get_hatch()
    assert not by_gid(ax, "share cluster advice").get_hatch()


def test_the_axis_of_shares_has_a_unit() -> None:
    assert "(firms)" in why.channel_shares(axes(), shares(), TITLES).get_xlabel()


# --- network -------------------------------------------------------------------------------------


def test_every_firm_is_of_one_kind() -> None:
    kinds = network.kinds_at(ADOPTED, SUPPORTED, 9)
    assert np.sum(kinds, axis=0).tolist() == [1] * 120


@pytest.mark.parametrize(
    ("adopted", "supported", "kind"),
    [
        (NEVER, NEVER, "waiting"), (6, NEVER, "waiting"), (NEVER, 5, "invited"), (6, 5, "invited"),
        (5, NEVER, "own"), (3, 4, "own"), (4, 3, "helped"), (4, 4, "helped"), (5, 9, "own"),
    ],
)  # fmt: skip
def test_the_kind_of_a_firm_at_the_end_of_quarter_five(adopted: int, supported: int, kind: str) -> None:
    kinds = network.kinds_at(np.array([adopted]), np.array([supported]), 5)
    assert [name for name, flag in kinds._asdict().items() if flag[0]] == [kind]


def test_dots_and_headings_show_the_firms_of_each_kind() -> None:
    made = four_moments(WORLD, ADOPTED, SUPPORTED)
    place = network.layout(WORLD)
    kinds = network.kinds_at(ADOPTED, SUPPORTED, 9)
    shown = by_gid(made.axes[2], "adopted with support").get_xydata()
    assert np.array_equal(shown, place[kinds.helped])
    adopters, helped = (kinds.own | kinds.helped).sum(), kinds.helped.sum()
    assert 0 < helped < adopters
    heading = f"After 2.5 years\n{adopters} adopters, {helped} of them supported"
    assert made.axes[2].get_title() == heading


def test_each_tie_is_one_line_although_it_has_two_directions() -> None:
    made = four_moments(WORLD, ADOPTED, SUPPORTED)
    ties = by_gid(made.axes[0], "ties")
    assert isinstance(ties, LineCollection)
    assert len(ties.get_segments()) == 120
    assert made.legends[0].get_title().get_text() == "Lines: all 120 ties"


def test_a_tie_of_one_direction_is_drawn_too() -> None:
    world = a_world([3])
    one_way = World(world.firms, rows_of(3, [(2, 0)]), world.regions, world.sectors, ())
    assert network.undirected_pairs(one_way).tolist() == [[0, 2]]


def test_of_many_ties_a_fixed_choice_is_drawn_and_the_caption_says_so() -> None:
    pairs = [(a, b) for a in range(120) for b in range(a)]
    made = four_moments(a_world([60, 60], pairs), ADOPTED, SUPPORTED)
    assert len(by_gid(made.axes[0], "ties").get_segments()) == 6000
    assert made.legends[0].get_title().get_text() == "Lines: 6,000 of 7,140 ties"


def test_the_choice_of_ties_does_not_depend_on_their_order() -> None:
    pairs = np.array([(a, b) for a in range(40) for b in range(a)])
    forward, backward = (network.chosen_pairs(p, 100) for p in (pairs, pairs[::-1]))
    assert {*map(tuple, forward.tolist())} == {*map(tuple, backward.tolist())}
    assert len(forward) == 100


def test_chosen_ties_come_from_all_firms_alike() -> None:
    pairs = np.array([(a, b) for a in range(100) for b in range(a)])
    per_firm = np.bincount(network.chosen_pairs(pairs, 2475).ravel(), minlength=100)
    assert per_firm.min() > 30  # half of 99 ties each
    assert per_firm.max() < 70


def test_firms_of_one_complex_stand_together_and_apart_from_others() -> None:
    place, complex_ = network.layout(WORLD), WORLD.firms.complex.astype(int)
    centres = network.grid(3)
    own = np.linalg.norm(place - centres[complex_], axis=1)
    assert own.max() < 0.5
    assert np.linalg.norm(centres[0] - centres[1]) >= 1


def test_the_best_connected_firm_stands_in_the_middle() -> None:
    world = a_world([30, 30], [(7, other) for other in range(30) if other != 7])
    centre = network.grid(2)[0]
    distance = np.linalg.norm(network.layout(world)[:30] - centre, axis=1)
    assert distance.argmin() == 7


def test_area_of_a_disc_goes_with_its_firms() -> None:
    small, large = network.disc_radii(np.array([100, 400]))
    assert large == pytest.approx(2 * small)


def test_a_single_small_complex_is_laid_out_by_its_ties() -> None:
    world = a_world([30], a_ring(30))
    place = network.layout(world)
    tied = np.linalg.norm(place - np.roll(place, 1, axis=0), axis=1).mean()
    untied = np.linalg.norm(place - np.roll(place, 15, axis=0), axis=1).mean()
    assert tied < 0.5 * untied
    assert np.array_equal(place, network.layout(world))


def test_above_three_thousand_firms_a_disc_is_the_share_of_its_complex() -> None:
    world = a_world([1000, 2500])
    adopted = np.full(3500, NEVER)
    adopted[:100], adopted[1000:1050] = 3, 9
    made = four_moments(world, adopted, np.full(3500, NEVER))
    discs = [by_gid(ax, "complexes") for ax in made.axes[:4]]
    assert all(isinstance(disc, EllipseCollection) for disc in discs)
    shown = [disc.get_array().tolist() for disc in discs]
    assert shown == [[0, 0], [10, 0], [10, 2], [10, 2]]
    assert len({disc.get_clim() for disc in discs}) == 1
    assert made.axes[4].get_xlabel().startswith("Adopters (% of the firms of a complex")


# --- return on investment ------------------------------------------------------------------------


def test_reported_points_are_table_4_in_programme_years() -> None:
    rows = rows_by_region(table4())["ansan"]
    ax = roi.reported_against_simulated(axes(), rows, simulated(()), TITLES)
    assert by_gid(ax, "reported ansan").get_xydata().tolist() == [[6, 5.3], [7, 4.5], [8, 43.3]]


def test_simulated_medians_and_intervals_are_as_given() -> None:
    ax = roi.reported_against_simulated(axes(), [], simulated(["sub"]), TITLES)
    assert by_gid(ax, "median sub").get_xydata().tolist() == [[1, 5], [2, 5], [3, 5]]
    segments = np.array(by_gid(ax, "interval sub").get_segments())
    assert segments[:, :, 1].tolist() == [[2, 13], [2, 14], [2, 15]]


def test_points_of_one_year_stand_side_by_side_within_the_year() -> None:
    rows = rows_by_region(table4())["ulsan"]
    ax = roi.reported_against_simulated(axes(), rows, simulated(), TITLES)
    gids = ("reported ulsan", "median individual", "median sub")
    first = [by_gid(ax, gid).get_xdata()[0] for gid in gids]
    assert 0.5 < first[0] < first[1] < first[2] < 1.5


def test_a_log_axis_leaves_out_what_is_not_above_zero() -> None:
    frame = simulated(["sub"])
    frame.loc[0, ["p05", "p50"]] = 0.0
    frame.loc[1, "p05"] = 0.0
    ax = roi.reported_against_simulated(axes(), [], frame, TITLES)
    assert ax.get_yscale() == "log"
    assert by_gid(ax, "median sub").get_xdata().tolist() == [2, 3]
    lowest = np.array(by_gid(ax, "interval sub").get_segments())[0, 0, 1]
    assert lowest == pytest.approx(ax.get_ylim()[0])


def test_the_reader_learns_that_table_4_holds_reports() -> None:
    ax = roi.reported_against_simulated(axes(), table4(), simulated(), TITLES)
    assert "as the programmes reported them" in ax.get_xlabel()
    assert "ratio" in ax.get_ylabel()
    assert len(ax.get_legend_handles_labels()[1]) == 7 + 2


# --- turning points ------------------------------------------------------------------------------


def test_bars_reach_from_the_default_to_both_ends() -> None:
    ax = turning.turning_points(axes(), assumptions(), TITLES)
    assert bar(ax, "bar low p11") == (20.0, -13.0)
    assert bar(ax, "bar high p11") == (20.0, 32.0)
    assert by_gid(ax, "default").get_xdata()[0] == 20.0


def test_the_ten_largest_swings_are_drawn_largest_on_top() -> None:
    ax = turning.turning_points(axes(), assumptions(), TITLES)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(labels) == 10
    assert labels[0].startswith("Weight number 11 ")
    assert labels[-1].startswith("Weight number 2 ")


def test_an_end_with_the_other_sign_is_marked() -> None:
    ax = turning.turning_points(axes(), assumptions(), TITLES)
    notes = [text.get_text() for text in ax.texts]
    assert notes == ["turns at the low end"] * 5 + [""] * 5
    assert by_gid(ax, "end low p7").get_marker() == "X"
    assert by_gid(ax, "end low p6").get_marker() == "o"


def test_an_end_whose_interval_holds_zero_is_marked_unclear() -> None:
    frame = assumptions(2).assign(at_low_from=[10.0, -1.0], at_low_to=[30.0, 35.0])
    marks = [turning.mark(row, "low") for row in style.records(frame)]
    assert marks == ["", "unclear"]
    ax = turning.turning_points(axes(), frame, TITLES)
    assert by_gid(ax, "interval low p1").get_xdata().tolist() == [-1.0, 35.0]


def test_nothing_turns_where_the_table_says_that_nothing_does() -> None:
    frame = assumptions().assign(turns=False)
    assert {turning.mark(row, end) for row in style.records(frame) for end in turning.ENDS} == {""}


def test_unknown_differences_sink_to_the_bottom(tmp_path: Path) -> None:
    frame = assumptions(4)
    frame.loc[3, ["difference_at_low", "difference_at_high"]] = math.nan
    ax = turning.turning_points(axes(), frame, TITLES)
    assert ax.get_yticklabels()[0].get_text().startswith("Weight number 2 ")
    assert save(drawn(ax), tmp_path / "figure.png").exists()


def test_the_pair_of_scenarios_is_named_and_there_is_only_one() -> None:
    frame = assumptions(2).assign(scenario="cluster", baseline="individual")
    label = turning.turning_points(axes(), frame, TITLES).get_xlabel()
    assert label.endswith("(firms)\nCohorts of 25 firms over Individual support")
    frame.loc[1, "scenario"] = "sub"
    with pytest.raises(InputError, match="one pair of scenarios"):
        turning.turning_points(axes(), frame, TITLES)


# --- one diffusion -------------------------------------------------------------------------------


def test_the_curve_shows_adopters_so_far_and_new_ones() -> None:
    ax = figure(7, 4.5).add_subplot()
    curve.adoption_curve(ax, np.arange(1946, 1950), np.array([2, 3, 3, 7]), 9, "As observed", "Year")
    (line,), bars = ax.get_lines(), ax.patches
    assert line.get_ydata().tolist() == [2, 3, 3, 7]
    assert [bar.get_height() for bar in bars] == [2, 1, 0, 4]
    assert [bar.get_x() + bar.get_width() / 2 for bar in bars] == pytest.approx([1946, 1947, 1948, 1949])
    assert "of 9 firms" in ax.get_xlabel()


def test_years_are_written_as_years() -> None:
    made = figure(7, 4.5)
    ax = curve.adoption_curve(made.add_subplot(), np.arange(1946, 1965), np.arange(19), 30, "As observed")
    made.canvas.draw()
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert {"1950", "1960"} <= set(labels), labels


def test_a_curve_of_nobody_can_be_drawn(tmp_path: Path) -> None:
    made = figure(7, 4.5)
    curve.adoption_curve(made.add_subplot(), np.arange(3), np.zeros(3, int), 5, "Nobody")
    assert save(made, tmp_path / "nobody.png").stat().st_size > 0
