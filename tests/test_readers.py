"""A user's own region comes in from files and graphs as it is, or with one clear sentence not."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpdiffusion.errors import InputError
from cpdiffusion.parameters import Parameters, parameters
from cpdiffusion.world.contract import FIRMS, TIES, contract
from cpdiffusion.world.firms import HAZARD_CLASSES, SME_EMPLOYEES, Firms
from cpdiffusion.world.networks import from_networkx, to_networkx
from cpdiffusion.world.readers import read_world
from cpdiffusion.world.ties import LAYERS, Layer
from cpdiffusion.world.world import Recipe, World

HEADER = "firm,sector,complex,employees"
P = parameters()
SMALL = Parameters({**P, "firms_per_region": 40})
OPTIONAL = {
    "region": "ulsan",
    "capital_need_mkrw": "80.5",
    "potential_log_return": "-0.25",
    "accepted_payback_years": "2",
    "required_confidence": "0.7",
    "waits_for_example": "yes",
    "liquidity_mkrw": "0",
    "hazard_class": "high",
    "export_share": "0.3",
    "public_sales_share": "1",
    "past_violation": "0",
    "threshold": "0.4",
    "seed": "1",
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file into a fresh folder; text in UTF-8 unless another encoding is named."""

    def write_file(name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write_file


Write = Callable[..., Path]


def a_register(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


THREE_FIRMS = a_register("a,food,north,10", "b,metals,north,20", "c,food,south,30")


def a_register_with(**optional: str) -> str:
    header = ",".join((HEADER, *optional))
    return a_register(",".join(("a,food,north,10", *optional.values())), header=header)


def ties_of(recipe: Recipe) -> dict[tuple[str, str], tuple[str, float]]:
    """{(source, target): (layer, weight)} of a recipe's own ties."""
    assert recipe.ties is not None
    assert recipe.ids is not None
    ties, ids = recipe.ties, recipe.ids
    source = np.repeat(np.arange(len(ids)), np.diff(ties.start))
    rows = zip(source, ties.target, ties.layer, ties.weight, strict=True)
    return {(ids[s], ids[t]): (LAYERS[layer], float(weight)) for s, t, layer, weight in rows}


def complaint(firms: Path | None = None, ties: Path | None = None, graph: Path | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read_world(firms, ties, graph)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))
    return sentence


def arrays(world: World) -> dict[str, np.ndarray]:
    return {**world.firms._asdict(), **world.ties._asdict()}


def assert_equal_worlds(one: World, other: World) -> None:
    for name, column in arrays(one).items():
        np.testing.assert_array_equal(column, arrays(other)[name], err_msg=name, strict=True)
    for names in ("regions", "sectors", "complexes"):
        assert getattr(one, names) == getattr(other, names)


# --- firms.csv -----------------------------------------------------------------------------------


def test_labels_are_numbered_as_they_first_appear(write: Write) -> None:
    recipe = read_world(write("firms.csv", THREE_FIRMS))
    assert recipe.ids == ("a", "b", "c")
    assert (recipe.regions, recipe.sectors) == (("own",), ("food", "metals"))
    assert recipe.complexes == ("north", "south")
    world = recipe.build(1, P)
    assert world.firms.region.tolist() == [0, 0, 0]
    assert world.firms.sector.tolist() == [0, 1, 0]
    assert world.firms.complex.tolist() == [0, 0, 1]
    assert world.firms.employees.tolist() == [10, 20, 30]


def test_every_optional_column_is_taken_as_given(write: Write) -> None:
    recipe = read_world(write("firms.csv", a_register_with(**OPTIONAL)))
    firm = {name: column[0] for name, column in recipe.build(1, P).firms._asdict().items()}
    assert recipe.regions == ("ulsan",)
    assert firm == {
        "region": 0,
        "complex": 0,
        "sector": 0,
        "employees": 10,
        "capital_need_mkrw": 80.5,
        "potential_log_return": -0.25,
        "accepted_payback_years": 2.0,
        "required_confidence": 0.7,
        "waits_for_example": True,
        "liquidity_mkrw": 0.0,
        "hazard_class": HAZARD_CLASSES.index("high"),
        "export_share": 0.3,
        "public_sales_share": 1.0,
        "past_violation": False,
        "threshold": 0.4,
        "seed": True,
    }


def test_columns_that_are_absent_are_drawn_as_if_the_others_were_too(write: Write) -> None:
    plain = read_world(write("plain.csv", THREE_FIRMS)).build(7, P).firms
    row = [f"{line},0.5" for line in THREE_FIRMS.split()[1:]]
    more = a_register(*row, header=f"{HEADER},export_share")
    given_one = read_world(write("more.csv", more)).build(7, P).firms
    assert given_one.export_share.tolist() == [0.5, 0.5, 0.5]
    assert plain.export_share.tolist() != [0.5, 0.5, 0.5]
    for name in set(Firms._fields) - {"export_share"}:
        np.testing.assert_array_equal(getattr(plain, name), getattr(given_one, name), name)


def test_a_register_without_ties_gets_drawn_ones(write: Write) -> None:
    rows = [f"{k},food,north,{k + 1}" for k in range(50)]
    recipe = read_world(write("firms.csv", a_register(*rows)))
    assert recipe.ties is None
    assert recipe.build(1, P).ties.target.size > 50


@pytest.mark.parametrize(
    ("words", "flag"),
    [(("true", "1", "yes", "YES", " True "), True), (("false", "0", "No"), False)],
)
def test_flags_are_read_in_all_their_spellings(write: Write, words: tuple[str, ...], flag: bool) -> None:
    for word in words:
        recipe = read_world(write("firms.csv", a_register_with(past_violation=word)))
        assert recipe.given["past_violation"].tolist() == [flag]


def test_hazard_classes_are_read_as_words_and_as_numbers(write: Write) -> None:
    for index, word in enumerate(HAZARD_CLASSES):
        for spelt in (word, word.upper(), str(index)):
            recipe = read_world(write("firms.csv", a_register_with(hazard_class=spelt)))
            assert recipe.given["hazard_class"].tolist() == [index]


def test_ids_are_text_without_the_blanks_around_them(write: Write) -> None:
    firms = write("firms.csv", a_register(" 007 ,food,north,10", "7,food,north,20"))
    ties = write("ties.csv", "source,target\n007, 7 \n")
    recipe = read_world(firms, ties)
    assert recipe.ids == ("007", "7")
    assert list(ties_of(recipe)) == [("007", "7")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_korean_files_are_read_in_their_usual_encodings(write: Write, encoding: str, line_end: str) -> None:
    text = a_register("한빛정밀,기계,온산,10", "똠,화학,온산,20").replace("\n", line_end)
    recipe = read_world(write("firms.csv", text, encoding))
    assert recipe.ids == ("한빛정밀", "똠")  # the second only in Microsoft's extension of EUC-KR
    assert recipe.sectors == ("기계", "화학")


def test_notes_blank_lines_and_quoted_cells_are_understood(write: Write) -> None:
    text = 'note,firm,sector,complex,employees,notes 2\n\n"a, ""b""\nc",a,"food, drink",n,10,\n\n'
    recipe = read_world(write("firms.csv", text))
    assert (recipe.ids, recipe.sectors) == (("a",), ("food, drink",))
    assert recipe.given.keys() == {"region", "complex", "sector", "employees"}


def test_line_breaks_in_notes_do_not_split_rows_of_a_large_file(write: Write) -> None:
    note = '"' + 100 * "a\nfood," + '"'
    rows = [f"{k},food,north,{k % 299 + 1},{note}" for k in range(3000)]
    text = a_register(*rows, header=f"{HEADER},note")
    assert len(text) > 2 * 2**20  # more than one block of Arrow's
    recipe = read_world(write("firms.csv", text))
    assert recipe.ids == tuple(map(str, range(3000)))
    sentence = complaint(write("firms.csv", text.replace("\n9,food,north,10,", "\n9,food,north,0,")))
    assert "firms.csv line 911: employees" in sentence  # after nine rows of 101 lines


def test_the_region_of_the_file_goes_before_the_region_of_the_call(write: Write) -> None:
    without = write("without.csv", a_register_with())
    with_region = write("with.csv", a_register_with(region="harbour"))
    assert read_world(without, region="ulsan").regions == ("ulsan",)
    assert read_world(with_region, region="ulsan").regions == ("harbour",)


@pytest.mark.parametrize("spelt", ["Ulsan", "울산", "ULSAN"])
def test_a_preset_in_another_spelling_is_pointed_out(write: Write, spelt: str) -> None:
    path = write("firms.csv", a_register_with(region=spelt))
    with pytest.warns(UserWarning, match="the preset is 'ulsan'"):
        assert read_world(path).regions == (spelt,)


def test_nothing_is_pointed_out_when_all_is_well(write: Write) -> None:
    firms = write("firms.csv", a_register_with(**OPTIONAL))
    ties = write("ties.csv", "source,target\nb,a\na,b\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_world(firms)
        read_world(ties=ties, directed=False, region="ulsan")


def test_read_columns_are_of_the_kind_that_is_drawn(write: Write) -> None:
    """Numba compiles anew for another type, another order in memory or a read-only array."""
    firms = write("firms.csv", a_register_with(**OPTIONAL))
    ties = write("ties.csv", "source,target,layer,weight\na,b,sector,2\n")
    drawn = arrays(Recipe(("ulsan",)).build(1, SMALL))
    for world in (read_world(firms).build(1, P), read_world(ties=ties).build(1, P)):
        for name, column in arrays(world).items():
            assert column.dtype == drawn[name].dtype, name
            assert column.flags.c_contiguous, name
            assert column.flags.writeable, name


# --- ties.csv ------------------------------------------------------------------------------------


def test_the_source_influences_the_target(write: Write) -> None:
    firms = write("firms.csv", THREE_FIRMS)
    recipe = read_world(firms, write("ties.csv", "source,target\nb,a\nb,c\n"))
    assert ties_of(recipe) == {("b", "a"): ("other", 1.0), ("b", "c"): ("other", 1.0)}
    assert recipe.ties is not None
    assert recipe.ties.start.tolist() == [0, 0, 2, 2]
    assert [column.dtype for column in recipe.ties] == [np.int64, np.int32, np.int8, np.float64]


def test_layers_and_weights_are_taken_as_given(write: Write) -> None:
    text = "weight,layer,target,source\n2.5,supply_chain,b,a\n1e-3,Sector,a,b\n"
    recipe = read_world(write("firms.csv", THREE_FIRMS), write("ties.csv", text))
    assert ties_of(recipe) == {("a", "b"): ("supply_chain", 2.5), ("b", "a"): ("sector", 0.001)}


def test_ties_without_direction_count_both_ways(write: Write) -> None:
    firms = write("firms.csv", THREE_FIRMS)
    ties = write("ties.csv", "source,target,weight\na,b,2\nc,b,3\n")
    both = ties_of(read_world(firms, ties, directed=False))
    assert both == {
        ("a", "b"): ("other", 2.0),
        ("b", "a"): ("other", 2.0),
        ("b", "c"): ("other", 3.0),
        ("c", "b"): ("other", 3.0),
    }
    assert len(ties_of(read_world(firms, ties))) == 2


def test_of_a_repeated_pair_the_first_stays(write: Write) -> None:
    firms = write("firms.csv", THREE_FIRMS)
    ties = write("ties.csv", "source,target,weight\na,b,2\na,b,3\nb,a,4\n")
    assert ties_of(read_world(firms, ties)) == {
        ("a", "b"): ("other", 2.0),
        ("b", "a"): ("other", 4.0),
    }
    assert ties_of(read_world(firms, ties, directed=False)) == {
        ("a", "b"): ("other", 2.0),
        ("b", "a"): ("other", 2.0),
    }


def test_of_a_pair_in_several_layers_the_first_layer_stays(write: Write) -> None:
    rows = [f"a,b,{layer},{k + 1}" for k, layer in enumerate(reversed(LAYERS))]
    ties = write("ties.csv", "\n".join(("source,target,layer,weight", *rows)))
    assert ties_of(read_world(ties=ties)) == {("a", "b"): (LAYERS[0], float(len(LAYERS)))}


def test_ties_of_a_firm_with_itself_are_counted_and_left_out(write: Write) -> None:
    ties = write("ties.csv", "source,target\na,b\nb,b\n\na,a\n")
    with pytest.warns(UserWarning, match=r"ties\.csv line 3: .* 2 such ties") as caught:
        recipe = read_world(ties=ties)
    assert len(caught) == 1
    assert list(ties_of(recipe)) == [("a", "b")]


def test_ties_alone_make_firms_of_one_sector_and_one_complex(write: Write) -> None:
    ties = write("ties.csv", "source,target\nb,a\na,c\n")
    recipe = read_world(ties=ties, region="daegu")
    assert recipe.ids == ("b", "a", "c")
    assert (recipe.regions, recipe.sectors, recipe.complexes) == (("daegu",), ("all",), ("all",))
    assert recipe.given.keys() == {"region", "sector", "complex"}
    firms = recipe.build(1, P).firms
    assert firms.employees.tolist() != recipe.build(2, P).firms.employees.tolist()


# --- what is wrong, where, and what would be right -----------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["firms.csv", "is empty"]),
        ("\ufeff \n", ["firms.csv", "is empty"]),
        (HEADER, ["firms.csv", "only a header"]),
        (HEADER + "\n\n", ["firms.csv", "only a header"]),
        ("firm,sector,employees\na,b,1", ["line 1", "'complex' is missing"]),
        (f"{HEADER},firm\na,b,c,1,a", ["line 1", "'firm' occurs twice"]),
        (f"{HEADER},\na,b,c,1,", ["line 1", "column 5 has no name"]),
        (f"{HEADER},export_shar\na,b,c,1,0", ["line 1", "'export_shar'", "mean 'export_share'?"]),
        (f"{HEADER},colour\na,b,c,1,0", ["line 1", "unknown column 'colour'", "known: accepted"]),
        ("Firm,sector,complex,employees\na,b,c,1", ["'Firm'", "mean 'firm'?"]),
        ("firm;sector;complex;employees\na;b;c;1", ["line 1", "separate cells by commas"]),
        (f"{HEADER}\na,b,c,1\na,b,c", ["line 3", "3 cells", "header has 4"]),
        (f"{HEADER}\na,b,c,1\n\na,b,c,1,", ["line 4", "5 cells", "header has 4"]),
        (f'{HEADER}\na,"b\nb",c,1\na,b,c', ["line 4", "3 cells", "header has 4"]),
        (f'{HEADER}\na,b,c,1\nd,"b,c,1\ne,b,c,1\n', ["line 3", "close each quotation mark"]),
        (f'{HEADER}\na,"b"b,c,1', ["line 2", "close each quotation mark"]),
        (f'{HEADER},note\na,b,c,1,n\nd,b,c,1,"n\ne,b,c,1,n\n', ["line 3", "close each quotation mark"]),
        (f"{HEADER}\na,b,c,1\n d,b,c,1\na ,b,c,1", ["line 4", "firm 'a'", "line 2"]),
        (f"{HEADER}\na,b,c,1\n ,b,c,1", ["line 3", "firm must be a name", "empty"]),
        (f"{HEADER}\na, ,c,1", ["line 2", "sector must be a label", "empty"]),
        (f"{HEADER}\na,b,c,1\nd,b,c,0", ["line 3", "employees", "from 1 to 299", "SME", "'0'"]),
        (f"{HEADER}\na,b,c,300", ["line 2", "employees", "from 1 to 299", "SME", "'300'"]),
        (f"{HEADER}\na,b,c,1.5", ["employees", "whole number", "'1.5'"]),
        (f"{HEADER}\na,b,c,1_0", ["employees", "whole number", "'1_0'"]),
        (f"{HEADER}\na,b,c,many", ["line 2", "employees", "'many'"]),
        (f"{HEADER}\na,b,c,", ["line 2", "employees", "empty."]),
        (f"{HEADER}\na,b,c,nan", ["line 2", "employees", "'nan'"]),
    ],
)
def test_a_bad_register_is_refused_with_its_place(write: Write, text: str, parts: list[str]) -> None:
    sentence = complaint(write("firms.csv", text))
    assert sentence.startswith("firms.csv") or "firms.csv: is empty" in sentence
    assert [part for part in parts if part not in sentence] == [], sentence


@pytest.mark.parametrize(
    ("column", "cell", "right"),
    [
        ("capital_need_mkrw", "-1", "a number above 0 (million KRW)"),
        ("capital_need_mkrw", "0", "a number above 0 (million KRW)"),
        ("capital_need_mkrw", "inf", "a number above 0"),
        ("capital_need_mkrw", '"1,000"', "a number above 0"),
        ("potential_log_return", "11", "a number from -10 to 10 (log ROI)"),
        ("potential_log_return", "-inf", "a number from -10 to 10"),
        ("accepted_payback_years", "0", "a number above 0 (years)"),
        ("required_confidence", "0", "a number above 0 and below 1"),
        ("required_confidence", "1", "a number above 0 and below 1"),
        ("waits_for_example", "maybe", "one of false, 0, no, true, 1, yes"),
        ("liquidity_mkrw", "-0.1", "a number of at least 0 (million KRW)"),
        ("hazard_class", "3", "one of low, 0, medium, 1, high, 2"),
        ("hazard_class", "extreme", "one of low, 0, medium, 1, high, 2"),
        ("export_share", "30", "a number from 0 to 1 (share of sales, 30 % is 0.3)"),
        ("export_share", "-0.1", "a number from 0 to 1"),
        ("public_sales_share", "nan", "a number from 0 to 1"),
        ("past_violation", "2", "one of false, 0, no, true, 1, yes"),
        ("region", "", "a label"),
    ],
)
def test_a_bad_cell_is_refused_with_line_column_and_what_is_right(
    write: Write, column: str, cell: str, right: str
) -> None:
    good, bad = f"a,b,c,1,{OPTIONAL[column]}", f"d,b,c,1,{cell}"
    sentence = complaint(write("firms.csv", a_register(good, bad, header=f"{HEADER},{column}")))
    assert sentence.startswith(f"firms.csv line 3: {column} must be {right}")
    assert f"but is '{cell.strip(chr(34))}'" in sentence if cell else "but is empty" in sentence


@pytest.mark.parametrize("column", [name for name in OPTIONAL if name != "region"])
def test_an_empty_cell_in_an_optional_column_is_refused(write: Write, column: str) -> None:
    rows = f"a,b,c,1,{OPTIONAL[column]}", "d,b,c,1, "
    sentence = complaint(write("firms.csv", a_register(*rows, header=f"{HEADER},{column}")))
    assert sentence.startswith(f"firms.csv line 3: {column} ")
    assert sentence.endswith("but is empty; fill in all or leave them all out.")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("source,target", ["only a header"]),
        ("source,layer\na,sector", ["line 1", "'target' is missing"]),
        ("source,target,wieght\na,b,1", ["line 1", "'wieght'", "mean 'weight'?"]),
        ("source,target\na,b\na,d", ["line 3", "target 'd' is not among the firms", "a, b, c"]),
        ("source,target\na,b\nA,b", ["line 3", "source 'A' is not among the firms"]),
        ("source,target\na,", ["line 2", "target must be a name", "empty"]),
        ("source,target,layer\na,b,chain", ["line 2", "layer must be one of supply_chain, com"]),
        ("source,target,layer\na,b,", ["line 2", "layer", "empty; fill in all"]),
        ("source,target,weight\na,b,1\na,c,0", ["line 3", "weight", "above 0", "'0'"]),
        ("source,target,weight\na,b,-2", ["line 2", "weight", "above 0", "'-2'"]),
        ("source,target,weight\na,b,inf", ["line 2", "weight", "'inf'"]),
        ("source,target\na,a\nb,b", ["ties.csv", "no tie joins two firms"]),
        ("source,target\na,b,c", ["line 2", "3 cells", "header has 2"]),
    ],
)
def test_bad_ties_are_refused_with_their_place(write: Write, text: str, parts: list[str]) -> None:
    sentence = complaint(write("firms.csv", THREE_FIRMS), write("ties.csv", text))
    assert [part for part in ["ties.csv", *parts] if part not in sentence] == [], sentence


def test_an_unknown_firm_among_very_many_is_refused_without_comparing_names(write: Write) -> None:
    firms = write("firms.csv", a_register(*(f"{k},food,north,10" for k in range(2000))))
    sentence = complaint(firms, write("ties.csv", "source,target\n1,2\n1,0002\n"))
    assert sentence == "ties.csv line 3: target '0002' is not among the firms."


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is not text"),
        (b"PK\x03\x04\x14\x00", "is a workbook"),
        ("firm,sector".encode("utf-16"), "is UTF-16 text"),
        (b"firm,sector\na,\xff\xff\n", "line 2: is not UTF-8 or CP949"),
        ("firm,sector\n한,한\n".encode("cp949") + b"a,\xff\xff\n", "line 3: is not UTF-8 or CP949"),
        (b"\xef\xbb\xbffirm\n" + "한".encode("cp949"), "line 2: is not UTF-8"),
    ],
)
def test_a_file_that_is_no_text_is_refused(write: Write, content: bytes, part: str) -> None:
    sentence = complaint(write("firms.csv", content))
    assert sentence.startswith("firms.csv")
    assert part in sentence


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    for key in ("firms", "ties", "graph"):
        assert "no such file" in complaint(**{key: tmp_path / "none.csv"})
        assert "is a folder" in complaint(**{key: tmp_path})


def test_a_call_without_files_or_with_two_networks_is_refused(write: Write) -> None:
    firms = write("firms.csv", THREE_FIRMS)
    assert "give firms, ties or graph" in complaint()
    assert "give it alone" in complaint(firms=firms, graph=firms)


# --- graphs --------------------------------------------------------------------------------------


def test_nodes_are_firms_and_their_attributes_columns(write: Write, tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_node("a", sector="food", complex="north", employees=10, waits_for_example=True)
    graph.add_node("b", sector="metals", complex="north", employees=20, waits_for_example=False)
    graph.add_edge("b", "a", layer="complex", weight=2.0)
    graph.add_edge("a", "b")
    nx.write_graphml(graph, tmp_path / "net.graphml")
    for recipe in (from_networkx(graph), read_world(graph=tmp_path / "net.graphml")):
        assert (recipe.ids, recipe.sectors) == (("a", "b"), ("food", "metals"))
        assert recipe.given["employees"].tolist() == [10, 20]
        assert recipe.given["waits_for_example"].tolist() == [True, False]
        assert ties_of(recipe) == {("a", "b"): ("other", 1.0), ("b", "a"): ("complex", 2.0)}


def test_a_bare_graph_has_one_sector_one_complex_and_the_region_named() -> None:
    recipe = from_networkx(nx.path_graph(3), region="busan")
    assert (recipe.regions, recipe.sectors, recipe.complexes) == (("busan",), ("all",), ("all",))
    assert recipe.ids == ("0", "1", "2")


def test_an_undirected_graph_counts_both_ways(tmp_path: Path) -> None:
    graph = nx.Graph([("a", "b", {"weight": 3})])
    nx.write_graphml(graph, tmp_path / "net.graphml")
    for recipe in (from_networkx(graph), read_world(graph=tmp_path / "net.graphml")):
        assert ties_of(recipe) == {("a", "b"): ("other", 3.0), ("b", "a"): ("other", 3.0)}


def test_a_directed_graph_counts_both_ways_when_asked_to(tmp_path: Path) -> None:
    nx.write_graphml(nx.DiGraph([("a", "b")]), tmp_path / "net.graphml")
    assert len(ties_of(read_world(graph=tmp_path / "net.graphml"))) == 1
    assert len(ties_of(read_world(graph=tmp_path / "net.graphml", directed=False))) == 2


def test_parallel_edges_keep_the_first_layer() -> None:
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", layer="sector", weight=5)
    graph.add_edge("a", "b", layer="complex", weight=7)
    assert ties_of(from_networkx(graph)) == {("a", "b"): ("complex", 7.0)}


def test_a_loop_in_a_graph_is_left_out_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="graph edge 'a' to 'a': .* 1 such ties"):
        assert list(ties_of(from_networkx(nx.DiGraph(["ab", "aa"])))) == [("a", "b")]


def test_whole_numbers_written_as_floats_are_understood() -> None:
    graph = nx.DiGraph(["ab"])
    nx.set_node_attributes(graph, {"a": 10.0, "b": 20.0}, "employees")
    nx.set_node_attributes(graph, {"a": 1.0, "b": 2.0}, "hazard_class")
    recipe = from_networkx(graph)
    assert recipe.given["employees"].tolist() == [10, 20]
    assert recipe.given["hazard_class"].tolist() == [1, 2]


GRAPHML = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="e" for="node" attr.name="employees" attr.type="int"><default>7</default></key>
<key id="w" for="edge" attr.name="weight" attr.type="double"><default>4.5</default></key>
<graph edgedefault="directed">
<node id="a"><data key="e">12</data></node><node id="b"/><edge id="e1" source="a" target="b"/>
</graph></graphml>"""


def test_defaults_of_graphml_fill_what_nodes_and_edges_lack(write: Write) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an edge's own id is no stray attribute
        recipe = read_world(graph=write("net.graphml", GRAPHML))
    assert recipe.given["employees"].tolist() == [12, 7]
    assert ties_of(recipe) == {("a", "b"): ("other", 4.5)}


def test_attributes_of_other_programs_are_left_out_with_a_warning() -> None:
    graph = nx.DiGraph(["ab"])
    nx.set_node_attributes(graph, 0.5, "x")
    nx.set_node_attributes(graph, "kept for later", "note")
    with pytest.warns(UserWarning, match="graph nodes: .* left out: x"):
        assert from_networkx(graph).given.keys() == {"region", "complex", "sector"}


def test_bad_graphs_are_refused_with_node_or_edge() -> None:
    def complaint_about(**attributes: object) -> str:
        graph = nx.DiGraph(["ab"])
        graph.nodes["b"].update(attributes)
        with pytest.raises(InputError) as caught:
            from_networkx(graph)
        return str(caught.value)

    assert "graph node 'a': employees must be" in complaint_about(employees=3)  # a has none
    assert "mean 'employees'?" in complaint_about(employes=3)
    assert "'sectr'" in complaint_about(sectr="food")


def test_a_bad_attribute_of_an_edge_is_refused() -> None:
    for attributes, part in (
        ({"weight": -1}, "graph edge 'a' to 'b': weight must be a number above 0"),
        ({"layer": "chain"}, "graph edge 'a' to 'b': layer must be one of"),
        ({"weigth": 2}, "mean 'weight'?"),
    ):
        with pytest.raises(InputError) as caught:
            from_networkx(nx.DiGraph([("a", "b", attributes)]))
        assert part in str(caught.value)


@pytest.mark.parametrize("graph", [nx.DiGraph(), nx.empty_graph(3), nx.DiGraph(["aa"])])
def test_a_graph_without_ties_is_refused(graph: nx.Graph) -> None:
    with pytest.raises(InputError, match="no tie joins two firms"):
        from_networkx(graph)


def test_two_nodes_that_read_the_same_are_refused() -> None:
    with pytest.raises(InputError, match="graph node '1': firm '1' is already in graph node 1"):
        from_networkx(nx.DiGraph([(1, "1")]))


@pytest.mark.parametrize(
    "text",
    [
        "no xml",
        "<graphml><graph>",
        "<other/>",
        GRAPHML.replace(">12<", ">twelve<"),
        GRAPHML.replace("<node id", '<hyperedge id="h"/><node id', 1),
        GRAPHML.replace('key="e"', 'key="z"'),
    ],
)
def test_malformed_graphml_is_refused(write: Write, text: str) -> None:
    assert complaint(graph=write("net.graphml", text)).startswith("net.graphml: is not GraphML")


# --- out and back --------------------------------------------------------------------------------


def small_world(seed: int = 3, regions: tuple[str, ...] = ("ulsan", "daegu")) -> World:
    return Recipe(regions).build(seed, SMALL)


def test_a_world_goes_to_networkx_with_its_names() -> None:
    world = small_world()
    graph = to_networkx(world)
    assert isinstance(graph, nx.DiGraph)
    assert graph.number_of_nodes() == world.size
    assert graph.number_of_edges() == world.ties.target.size
    firm = graph.nodes["41"]
    assert firm.keys() == set(Firms._fields)
    assert firm["region"] == "daegu"
    assert firm["sector"] == world.sectors[world.firms.sector[41]]
    assert firm["complex"].startswith("daegu")
    assert firm["hazard_class"] == HAZARD_CLASSES[world.firms.hazard_class[41]]
    assert firm["capital_need_mkrw"] == world.firms.capital_need_mkrw[41]
    first = world.ties.target[0]
    assert graph.edges["0", str(first)] == {"layer": LAYERS[world.ties.layer[0]], "weight": 1.0}


def test_a_world_comes_back_from_networkx_as_it_was() -> None:
    world = small_world()
    assert_equal_worlds(from_networkx(to_networkx(world)).build(99, P), world)


def test_a_world_comes_back_from_graphml_as_it_was(tmp_path: Path) -> None:
    world = small_world()
    nx.write_graphml(to_networkx(world), tmp_path / "world.graphml")
    assert_equal_worlds(read_world(graph=tmp_path / "world.graphml").build(99, P), world)


def test_a_changed_world_does_not_come_back_as_it_was() -> None:
    world, graph = small_world(), to_networkx(small_world())
    next(iter(graph.edges.values()))["weight"] = 0.5
    with pytest.raises(AssertionError, match="weight"):
        assert_equal_worlds(from_networkx(graph).build(99, P), world)


def test_a_register_comes_back_with_its_names(write: Write) -> None:
    firms = write("firms.csv", a_register("한빛,기계,온산,10", "007,화학,온산,20"))
    ties = write("ties.csv", "source,target,layer,weight\n007,한빛,sector,0.25\n")
    world = read_world(firms, ties).build(1, P)
    again = from_networkx(to_networkx(world)).build(2, P)
    assert again.ids == ("한빛", "007")
    assert_equal_worlds(again, world)


def test_part_of_a_world_keeps_only_the_regions_that_have_firms() -> None:
    graph = to_networkx(small_world())
    part = graph.subgraph([name for name in graph if graph.nodes[name]["region"] == "daegu"])
    assert from_networkx(part).regions == ("daegu",)


def test_a_damaged_order_of_labels_is_refused() -> None:
    graph = to_networkx(small_world())
    graph.graph["cpdiffusion_labels"] = "[]"
    with pytest.raises(InputError, match="cpdiffusion_labels is damaged"):
        from_networkx(graph)


# --- the contract, and any text at all ------------------------------------------------------------


def test_the_contract_names_exactly_the_columns_of_the_model() -> None:
    assert contract(FIRMS).keys() == {"firm", "time_of_adoption", *Firms._fields}
    assert contract(TIES).keys() == {"source", "target", "layer", "weight"}
    assert all(column.meaning for file in (FIRMS, TIES) for column in contract(file).values())


def test_the_contract_allows_what_the_model_allows() -> None:
    low, high = SME_EMPLOYEES
    assert contract(FIRMS)["employees"].allowed == f"[{low}, {high}]"
    words = [group.split()[0] for group in contract(FIRMS)["hazard_class"].allowed.split(",")]
    assert tuple(words) == HAZARD_CLASSES
    assert tuple(contract(TIES)["layer"].allowed.split(", ")) == LAYERS
    assert contract(TIES)["layer"].if_absent == Layer.OTHER.name.lower()


def test_reading_loads_heavy_libraries_only_when_it_reads() -> None:
    code = "import cpdiffusion.world.readers, sys; print(*sys.modules)"
    root = str(Path(__file__).parents[1] / "model")
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": root, "NUMBA_DISABLE_JIT": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert not {"pandas", "pyarrow", "networkx"} & set(shown.stdout.split())


NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from(" ,\"'\n"), min_size=1
).filter(lambda text: text == text.strip())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=2, max_size=8, unique=True))
def test_whatever_a_spreadsheet_writes_is_read_back(write: Write, names: list[str]) -> None:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["firm", "note", "sector", "complex", "employees"])
    rows.writerows([name, "\n" * k, name[::-1].strip() or "x", "c", k + 1] for k, name in enumerate(names))
    recipe = read_world(write("firms.csv", text.getvalue()))
    assert recipe.ids == tuple(names)
    assert recipe.given["employees"].tolist() == list(range(1, len(names) + 1))
