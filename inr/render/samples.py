"""Pictures of samples: scatter plots by sign, and histograms."""

from collections.abc import Mapping

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from inr.render.interface import Image
from inr.shapes.mesh import Floats

DPI = 64
OUTSIDE, INSIDE = "#d1495b", "#30638e"
# samples of a 3-D shape are drawn within this distance of the plane z = 0, box units
SLAB = 0.03
MAX_SAMPLES = 20_000


def draw_samples(samples: Floats, *, size: int) -> Image:
    """Draw samples as dots, red outside and blue inside; in 3-D those near the plane z = 0.

    Args:
        samples: (S, D + 1), points and signed distances in box units.
        size: width and height of the image in pixels; it shows [-1, 1]^2.

    Returns:
        (size, size, 3) uint8.
    """
    points, distance = samples[:, :-1], samples[:, -1]
    near = (np.abs(points[:, 2:]) < SLAB).all(axis=1)
    step = max(1, int(near.sum()) // MAX_SAMPLES)
    points, distance = points[near][::step], distance[near][::step]
    figure = Figure(figsize=(size / DPI, size / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    axes.set_axis_off()
    axes.scatter(
        points[:, 0], points[:, 1], s=1.5, linewidths=0, c=np.where(distance < 0, INSIDE, OUTSIDE)
    )
    return _pixels(figure)


def draw_histograms(values: Mapping[str, Floats], *, size: tuple[int, int]) -> Image:
    """Draw histograms side by side, with a log scale for more than 1000 values.

    Args:
        values: values (N,) of each histogram, by its title.
        size: width and height in pixels.
    """
    figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI, layout="constrained")
    for axes, (title, numbers) in zip(
        figure.subplots(1, len(values), squeeze=False)[0], values.items(), strict=True
    ):
        many = len(numbers) > 1000
        axes.hist(numbers, bins=60 if many else 20, color=INSIDE, log=many)
        axes.ticklabel_format(axis="x", useOffset=False)
        axes.set_title(title, fontsize=10)
        axes.tick_params(labelsize=8)
    return _pixels(figure)


def _pixels(figure: Figure) -> Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
