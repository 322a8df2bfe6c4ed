"""The numbers of the classes of cleaner production measures. The paper names the classes, not their size.

Cost, return, difficulty and what is saved are said in relation to the whole package, and scaled so
that all measures together are the package. A class without a difference stands at cost 1/7, return
and difficulty 0, energy and materials 1; every range includes that.
"""

from __future__ import annotations

from cpdiffusion.registry.entry import OURS, Parameter

CLASSES = "000, Tables 2 and 3 and section 2, name the class and give no figure; " + OURS


def measure(
    name: str, cost: float, log_return: float, difficulty: float, energy: float, materials: float
) -> tuple[Parameter, ...]:
    """The five numbers of a class of measures."""
    words = name.replace("_", " ")
    return (
        Parameter(f"{name}_cost_share", cost, "parts", min(0.02, cost), 0.5, "assumed", CLASSES,
                  f"price of {words} in parts of the package's, scaled to add up to 1", least=0.001, most=1),
        Parameter(f"{name}_log_return", log_return, "log ROI", -1.0, 1.5, "assumed", CLASSES,
                  f"return of {words} above that of other measures", least=-5.0, most=5.0),
        Parameter(f"{name}_difficulty", difficulty, "log cost", -1.0, 1.5, "assumed", CLASSES,
                  f"effort that {words} asks for beyond its price, above that of other measures",
                  least=-5.0, most=5.0),
        Parameter(f"{name}_energy", energy, "ratio", 0.01, 4.0, "assumed", CLASSES,
                  f"energy in the benefit of {words}, against that in other measures", least=0.001, most=100),
        Parameter(f"{name}_materials", materials, "ratio", 0.01, 4.0, "assumed", CLASSES,
                  f"materials in the benefit of {words}, against that in other measures",
                  least=0.001, most=100),
    )  # fmt: skip


MEASURES: tuple[Parameter, ...] = (
    *measure("good_housekeeping", 0.05, 0.4, -0.2, 1.0, 1.5),
    *measure("waste_management", 0.10, 0.1, -0.1, 0.2, 1.5),
    *measure("energy_efficiency", 0.25, 0.1, 0.0, 3.0, 0.1),
    *measure("in_process_recycling", 0.15, 0.0, 0.0, 0.3, 3.0),
    *measure("process_modification", 0.25, 0.0, 0.1, 1.0, 1.0),
    *measure("input_substitution", 0.10, -0.1, 0.2, 0.3, 1.5),
    *measure("product_design", 0.10, -0.2, 0.4, 0.3, 1.5),
    Parameter("measure_return_correlation", 0.2, "correlation", 0.0, 1.0, "assumed",
              "Bi, Mullally & Gaonkar 2017 find spill-overs within firms, no coefficient seen; " + OURS,
              "likeness of the potentials of two measures of one firm, so what one teaches about another",
              most=1.0),
)  # fmt: skip
