"""``study=parameters``: the registry as a table."""

from __future__ import annotations

import textwrap

from cpdiffusion.evidence.table4 import Variant
from cpdiffusion.parameters import parameter_rows

HEADER = """\
# Parameters

Every number of the model, generated from `model/cpdiffusion/parameters.py` by
`cpdiffusion study=parameters`. *Measured* was read from a source, *calibrated* was estimated by
us from Table 4, *assumed* is neither: sweep it before you build on it.

| parameter | value | unit | range | status | what it is | source |
|---|---:|---|---|---|---|---|
"""


def parameter_table(variant: Variant = "as_printed") -> str:
    """The registry as a Markdown table."""
    lines = [
        f"| `{row['parameter']}` | {row['value']:g} | {row['unit']} | {row['low']:g} to {row['high']:g} "
        f"| {row['status']} | {row['meaning']} | {row['source']} |"
        for row in parameter_rows(variant)
    ]
    return HEADER + "\n".join(lines) + "\n"


def print_parameters(variant: Variant) -> None:
    """Print the registry for a terminal."""
    for row in parameter_rows(variant):
        value, spread = f"{row['value']:g} {row['unit']}", f"{row['low']:g} to {row['high']:g}"
        print(f"{row['parameter']} = {value}  [{spread}]  {row['status']}")
        print(
            textwrap.fill(
                f"{row['meaning']}. {row['source']}.", 100, initial_indent="    ", subsequent_indent="    "
            )
        )
