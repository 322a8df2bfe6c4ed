"""Making a figure and writing it: the same figure gives the same bytes, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cpdiffusion.plots.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150
COMPRESS_LEVEL = 2  # on these figures half the time of Pillow's default, and no larger


@styled
def figure(width_inches: float, height_inches: float) -> Figure:
    """An empty figure that lays itself out; no pyplot, so nothing is kept open or shown."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure((width_inches, height_inches), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(made)
    return made


@styled
def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write ``figure`` as a PNG of 150 dots per inch without date or version; returns the path.

    It is written beside its place and then renamed: a reader sees the old file or the new one.
    OSError when the folder is missing or cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _write_png(figure, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _write_png(figure: Figure, path: Path) -> None:
    """Straight from an Agg canvas: ``savefig`` would lay out and draw everything twice."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    own_canvas, own_dpi = figure.canvas, figure.dpi
    try:
        figure.dpi = DPI
        FigureCanvasAgg(figure).print_png(  # type: ignore[no-untyped-call]
            path, metadata={"Software": None}, pil_kwargs={"compress_level": COMPRESS_LEVEL}
        )
    finally:
        figure.set_canvas(own_canvas)
        figure.dpi = own_dpi
