"""The house keeps its own rules: who may import whom, what is light, short, pinned and portable."""

from __future__ import annotations

import ast
import graphlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "model"
PACKAGE = "cpdiffusion"

# From the ground up: a room may import the rooms before it; those in one row share a floor. The
# package's own `__init__` and `__main__` stand on the roof: they see all, and no room sees them.
FLOORS = (
    {"errors", "units"},
    {"evidence"},
    {"registry"},
    {"parameters"},
    {"compiled"},
    {"runner"},
    {"lent"},
    {"draws"},
    {"world"},
    {"behaviour"},
    {"terms"},
    {"instruments"},
    {"policy"},
    {"engine"},
    {"outcomes"},
    {"calibration"},
    {"efficiency"},
    {"measures"},
    {"discovery", "factors", "search"},
    {"plots"},
    {"studies"},
    {"config"},
    {"api"},
    {"cli"},
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
ROOF = len(FLOORS)

KNOW_HYDRA = {f"{PACKAGE}.config", f"{PACKAGE}.cli"}
HEAVY = {
    "distributed",
    "duckdb",
    "hydra",
    "matplotlib",
    "mesa",
    "networkx",
    "numba",
    "omegaconf",
    "pandas",
    "pyabc",
    "pyarrow",
    "pydantic",
    "pymoo",
    "SALib",
    "scipy",
}
MEDIAN_LINES_AT_MOST = 10
PYTHONS = ("3.11", "3.12", "3.13")


# --- reading the house ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, whether it is a package's ``__init__``, and its text."""

    name: str
    is_package: bool
    text: str = field(repr=False)

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


House = dict[str, Module]


def house_from(texts: dict[str, str]) -> House:
    """A house from {path under the source root: text}, on disk or made up for a test."""
    modules = (module_from(Path(path), text) for path, text in texts.items())
    return {module.name: module for module in modules}


def module_from(path: Path, text: str) -> Module:
    is_package = path.stem == "__init__"
    parts = path.parent.parts if is_package else path.with_suffix("").parts
    return Module(".".join(parts), is_package, text)


def the_house() -> House:
    files = (SOURCES / PACKAGE).rglob("*.py")
    return house_from({str(f.relative_to(SOURCES)): f.read_text("utf-8") for f in files})


# --- imports -------------------------------------------------------------------------------------


def imported_names(module: Module) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of each import, wherever in the module it stands."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = absolute_source(module, node)
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and is_dynamic_import(node):
            yield from ((node.lineno, name) for name in text_arguments(node))


def absolute_source(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    climb = node.level - module.is_package
    package = module.name.split(".")[: -climb or None]
    return ".".join([*package, *([node.module] if node.module else [])])


def is_dynamic_import(node: ast.Call) -> bool:
    return ast.unparse(node.func).endswith(("import_module", "__import__"))


def text_arguments(node: ast.Call) -> list[str]:
    constants = (arg.value for arg in node.args if isinstance(arg, ast.Constant))
    return [value for value in constants if isinstance(value, str)]


def module_behind(name: str, house: House) -> str | None:
    """The module of the house that an imported name lives in; None for another library's."""
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    own = parts[0] == PACKAGE
    return next((prefix for prefix in prefixes if prefix in house), PACKAGE if own else None)


def inner_imports(module: Module, house: House) -> Iterator[tuple[int, str]]:
    """(line, module of the house) of each import of ``module`` that stays in the house."""
    for line, name in imported_names(module):
        target = module_behind(name, house)
        if target is not None:
            yield line, target


def floor_of(name: str) -> int:
    """Floor of a module, ground = 0; KeyError for a room that is in no row of ``FLOORS``."""
    parts = name.split(".")
    return ROOF if len(parts) == 1 or parts[1] == "__main__" else FLOOR_OF[parts[1]]


def homeless(house: House) -> list[str]:
    rooms = {name.split(".")[1] for name in house if "." in name}
    return sorted(rooms - FLOOR_OF.keys() - {"__main__"})


def upward_imports(house: House) -> list[str]:
    """A sentence for each import that reaches for a higher floor."""
    return [
        f"{module.name}:{line} imports {target}, which stands above it"
        for module in house.values()
        for line, target in inner_imports(module, house)
        if floor_of(target) > floor_of(module.name)
    ]


def import_circle(house: House) -> list[str]:
    """The modules of one circle of imports, first repeated at the end; empty if there is none."""
    graph = {name: {t for _, t in inner_imports(m, house)} for name, m in house.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_the_checker_sees_the_whole_package() -> None:
    assert {f"{PACKAGE}.errors", f"{PACKAGE}.units"} <= the_house().keys()


def test_every_module_belongs_to_a_room() -> None:
    assert not homeless(the_house()), "give the new room its place in FLOORS"


def test_imports_point_one_way_only() -> None:
    assert not upward_imports(the_house())


def test_no_imports_go_in_a_circle() -> None:
    assert not import_circle(the_house())


GOOD_HOUSE = {
    "cpdiffusion/__init__.py": "from cpdiffusion.cli import main",
    "cpdiffusion/__main__.py": "from cpdiffusion.cli import main",
    "cpdiffusion/units.py": "import math",
    "cpdiffusion/world/__init__.py": "from cpdiffusion.world.firms import Firms",
    "cpdiffusion/world/firms.py": "from cpdiffusion.units import quarters\nfrom ..units import x",
    "cpdiffusion/engine/__init__.py": "",
    "cpdiffusion/engine/step.py": "import numba\nfrom cpdiffusion.world import Firms",
    "cpdiffusion/cli.py": "from cpdiffusion import engine\nfrom . import world",
}


def test_a_good_house_passes_the_checker() -> None:
    house = house_from(GOOD_HOUSE)
    assert (homeless(house), upward_imports(house), import_circle(house)) == ([], [], [])


@pytest.mark.parametrize(
    ("file", "planted"),
    [
        ("units.py", "from cpdiffusion.engine.step import step"),
        ("units.py", "def f():\n    import cpdiffusion.world.firms as firms"),
        ("units.py", "from .world import Firms"),
        ("units.py", "import importlib\nimportlib.import_module('cpdiffusion.cli')"),
        ("world/firms.py", "class A:\n    def f(self):\n        from ..engine import step"),
        ("world/firms.py", "from .. import cli"),
        (
            "world/firms.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .. import cli",
        ),
        ("world/__init__.py", "from ..engine.step import step"),
        ("world/__init__.py", "from cpdiffusion import engine"),
        ("world/firms.py", "from cpdiffusion import compare"),
        ("cli.py", "import cpdiffusion"),
        ("cli.py", "from cpdiffusion.__main__ import main"),
    ],
)
def test_a_planted_upward_import_is_caught(file: str, planted: str) -> None:
    house = house_from({**GOOD_HOUSE, f"{PACKAGE}/{file}": planted})
    (complaint,) = upward_imports(house)
    culprit = module_from(Path(PACKAGE, file), planted).name
    assert complaint.startswith(f"{culprit}:{planted.count(chr(10)) + 1} ")


def test_a_planted_circle_within_one_room_is_caught() -> None:
    planted = {f"{PACKAGE}/world/firms.py": "def f():\n    from cpdiffusion.world import regions"}
    planted[f"{PACKAGE}/world/regions.py"] = "from .firms import Firms"
    house = house_from({**GOOD_HOUSE, **planted})
    assert not upward_imports(house)
    assert set(import_circle(house)) == {"cpdiffusion.world.firms", "cpdiffusion.world.regions"}


def test_a_planted_room_without_a_floor_is_caught() -> None:
    assert homeless(house_from({**GOOD_HOUSE, f"{PACKAGE}/attic.py": ""})) == ["attic"]


# --- one place for Hydra -------------------------------------------------------------------------


def mentions_of_hydra(house: House) -> list[str]:
    return [
        f"{module.name}:{number} {line.strip()}"
        for module in house.values()
        for number, line in enumerate(module.text.splitlines(), start=1)
        if module.name not in KNOW_HYDRA and re.search("hydra|omegaconf", line, re.IGNORECASE)
    ]


def test_only_config_and_cli_mention_hydra() -> None:
    assert not mentions_of_hydra(the_house())


def test_a_planted_mention_of_hydra_is_caught() -> None:
    planted = "def f():\n    from omegaconf import DictConfig"
    files = {f"{PACKAGE}/{file}.py": planted for file in ("config", "cli", "api")}
    (complaint,) = mentions_of_hydra(house_from(files))
    assert complaint.startswith("cpdiffusion.api:2")


# --- light to import -----------------------------------------------------------------------------


def loaded_by(statement: str) -> set[str]:
    """What a new Python has loaded beside its own library once it has run ``statement``."""
    code = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*(set(sys.modules) - before))"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    names = shown.stdout.splitlines()[-1].split()
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def heavy_modules_after(statement: str) -> set[str]:
    """The heavy libraries among them."""
    return HEAVY & loaded_by(statement)


def test_importing_the_package_loads_the_package_and_nothing_else() -> None:
    assert loaded_by(f"import {PACKAGE}") == {PACKAGE}


def test_help_loads_the_command_line_and_no_library() -> None:
    assert loaded_by(f"from {PACKAGE} import cli; cli.main(['--help'])") == {
        PACKAGE, f"{PACKAGE}.cli", f"{PACKAGE}.errors",
    }  # fmt: skip


def test_a_heavy_library_would_be_noticed() -> None:
    assert "networkx" in heavy_modules_after(f"import {PACKAGE}, networkx")


# --- no machine's own addresses ------------------------------------------------------------------

MACHINE_TRACES = re.compile(
    r"(?<![\w.}~-])/(?:work|root|home|Users|tmp)/"
    r"|file:///|[A-Z]:\\Users\\"
    r"|index-url|find-links|trusted-host|pythonhosted|https?://\S+/simple\b"
)
NOT_OURS = {".git", ".venv", "build", "dist", "results"}


def files_of_the_project() -> list[Path]:
    """Files under version control or about to be; in a copy without git, all but the made ones."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return files_without_git()
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def files_without_git() -> list[Path]:
    tops = (top for top in ROOT.iterdir() if top.name not in NOT_OURS)
    found = (path for top in tops for path in ([top] if top.is_file() else top.rglob("*")))
    caches = re.compile(r"__pycache__|_cache\b|\.hypothesis|\.ipynb_checkpoints")
    return [path for path in found if path.is_file() and not caches.search(str(path))]


def machine_traces(paths: Iterable[Path]) -> list[str]:
    return [
        f"{path.name}:{number} {found.group()}"
        for path in paths
        for number, line in enumerate(path.read_bytes().splitlines(), start=1)
        if (found := MACHINE_TRACES.search(line.decode("utf-8", "ignore")))
    ]


def test_no_file_names_a_path_or_mirror_of_one_machine() -> None:
    files = files_of_the_project()
    assert ROOT / "pyproject.toml" in files
    assert not machine_traces(path for path in files if path != Path(__file__).resolve())


@pytest.mark.parametrize(
    ("line", "is_trace"),
    [
        ("see /work/main/conf", True),
        ('"/home/kim/data.csv"', True),
        ("--extra-index-url https://mirror.example/simple/", True),
        ("numpy @ file:///opt/wheels/numpy.whl", True),
        ("https://example.org/work/paper", False),
        ("the frame/work/ of it", False),
    ],
)
def test_a_trace_of_a_machine_is_told_from_a_web_address(line: str, is_trace: bool, tmp_path: Path) -> None:
    planted = tmp_path / "planted.txt"
    planted.write_text(f"first\n{line}\n", "utf-8")
    assert [trace.split()[0] for trace in machine_traces([planted])] == (
        ["planted.txt:2"] if is_trace else []
    )


# --- short functions -----------------------------------------------------------------------------

Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines_of_code(function: Function) -> int:
    """Lines from ``def`` to the end without the docstring, which may be as long as it needs."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def function_lengths(house: House) -> dict[str, int]:
    """{module:line name: lines of code} of every function and method."""
    return {
        f"{module.name}:{node.lineno} {node.name}": lines_of_code(node)
        for module in house.values()
        for node in ast.walk(module.tree)
        if isinstance(node, Function)
    }


def test_functions_are_short() -> None:
    lengths = function_lengths(the_house())
    typical, longest = median(lengths.values()), sorted(lengths, key=lengths.__getitem__)[-5:]
    print(f"median {typical} lines over {len(lengths)} functions")
    assert typical <= MEDIAN_LINES_AT_MOST, f"median {typical}; the longest: {longest}"


def test_length_counts_code_and_not_the_docstring() -> None:
    text = '@cache\ndef f(\n    x: int,\n) -> int:\n    """One.\n\n    Two.\n    """\n    return x\n'
    assert function_lengths(house_from({f"{PACKAGE}/units.py": text})) == {"cpdiffusion.units:2 f": 4}


# --- pinned and packed ---------------------------------------------------------------------------


def declared_requirements() -> list[Requirement]:
    """Requirements of the package and of all its extras; an extra may name another by the package's name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    declared = [Requirement(text) for texts in (project["dependencies"], *extras) for text in texts]
    return [requirement for requirement in declared if requirement.name != PACKAGE]


def pins() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pinned_versions(name: str, python: str) -> list[str]:
    """Versions that constraints.txt gives a distribution under a Python such as ``3.11``."""
    return [
        str(pin.specifier).removeprefix("==")
        for pin in pins()
        if canonicalize_name(pin.name) == canonicalize_name(name)
        and (pin.marker is None or pin.marker.evaluate({"python_version": python}))
    ]


def needed_and_installed(requirements: Iterable[Requirement]) -> set[str]:
    """Names of the installed distributions that ``requirements`` lead to, at any remove."""
    found: set[str] = set()
    queue = list(requirements)
    while queue:
        name = canonicalize_name(queue.pop().name)
        if name not in found and is_installed(name):
            found.add(name)
            queue += plain_requirements_of(name)
    return found


def is_installed(name: str) -> bool:
    return any(metadata.distributions(name=name))


def plain_requirements_of(name: str) -> list[Requirement]:
    requirements = map(Requirement, metadata.requires(name) or [])
    return [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]


@pytest.mark.parametrize("python", PYTHONS)
def test_each_declared_dependency_has_one_fitting_pin(python: str) -> None:
    for requirement in declared_requirements():
        (version,) = pinned_versions(requirement.name, python)
        assert requirement.specifier.contains(version), requirement.name


def test_all_that_the_dependencies_bring_along_is_pinned() -> None:
    names = needed_and_installed(declared_requirements())
    assert {"numpy", "contourpy"} <= names  # one declared, one brought along by matplotlib
    assert not names - {canonicalize_name(pin.name) for pin in pins()}


def files_under(folder: str) -> set[str]:
    found = (ROOT / folder).rglob("*")
    paths = (path for path in found if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(ROOT / folder).as_posix() for path in paths}


def test_a_wheel_carries_data_configuration_and_scenarios(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = files_under("model")
    expected |= {f"{PACKAGE}/{part}/{f}" for part in ("conf", "scenarios") for f in files_under(part)}
    assert expected <= packed, expected - packed
