"""Pictures of 2-D shapes and 2-D fields."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline

from inr.render.grid import message_image
from inr.render.interface import Color, Image, Renderer2D, check_color, check_dim, check_size
from inr.render.parts import join_meshes
from inr.shapes.mesh import Floats, Ints, Mesh

# a power of two, so that size / DPI * DPI is exact
DPI = 64
NUM_LEVELS = 20


class Contour(Renderer2D):
    """Renderer of 2-D shapes, filled, and of 2-D fields as filled contours.

    Args:
        size: default width and height of an image in pixels; it shows the box [-1, 1]^2.
        color: default color of the inside: red, green and blue in [0, 1].
        background: color of the background: red, green and blue in [0, 1].
    """

    def __init__(self, *, size: int, color: list[float], background: list[float]) -> None:
        self.size = check_size(size)
        self.color = check_color(color)
        self.background = check_color(background)

    def render_parts(
        self, meshes: Sequence[Mesh], colors: Sequence[Color], *, size: int | None = None
    ) -> Image:
        """Fill 2-D meshes by the non-zero rule, the last on top; see `Renderer.render_parts`."""
        size = check_size(self.size if size is None else size)
        whole = join_meshes(meshes)[0]
        check_dim(whole, 2, other="inr.render.raycast.RayCast")
        pairs = [(mesh, check_color(c)) for mesh, c in zip(meshes, colors, strict=True)]
        if whole.is_empty:
            return message_image("empty", size=size, background=self.background)
        figure, axes = self._box(size)
        for mesh, inside in pairs:
            if not mesh.is_empty:
                edge = tuple(0.5 * value for value in inside)
                patch = PathPatch(mesh_outline(mesh), facecolor=inside, edgecolor=edge)
                patch.set_linewidth(_stroke(size))
                axes.add_patch(patch)
        return _pixels(figure)

    def render_field(
        self,
        values: Floats,
        *,
        surface: Mesh | None = None,
        ground_truth: Mesh | None = None,
        size: int | None = None,
    ) -> Image:
        """Draw the level sets of a field, blue inside and red outside, the zero level set in black.

        Colors are symmetric about 0; the outline of the ground truth is dashed green. Arguments and
        errors are those of `Renderer2D.render_field`.
        """
        size = check_size(self.size if size is None else size)
        if values.ndim != 2 or values.shape[0] != values.shape[1] or len(values) < 2:
            raise ValueError(f"a field's values have shape {values.shape}; give a grid (R, R)")
        if not np.isfinite(values).all():
            raise ValueError(f"{np.sum(~np.isfinite(values))} values of the field are not finite")
        largest = float(np.abs(values).max()) or 1.0
        axis = np.linspace(-1, 1, len(values))
        figure, axes = self._box(size)
        levels = np.linspace(-largest, largest, NUM_LEVELS + 1)
        # widened, so that the extreme values are within the last levels despite rounding
        levels[[0, -1]] *= 1 + 1e-6
        axes.contourf(axis, axis, values.T, levels=levels, cmap="RdBu_r")
        grey = (0, 0, 0, 0.35)
        thin = 0.3 * _stroke(size)
        axes.contour(
            axis, axis, values.T, levels=levels, colors=[grey], linewidths=thin, linestyles="solid"
        )
        if surface is not None:
            self._outline(axes, surface, color="black", style="-", width=1.6 * _stroke(size))
        elif values.min() < 0 < values.max():
            axes.contour(
                axis, axis, values.T, levels=[0.0], colors="black", linewidths=1.6 * _stroke(size)
            )
        if ground_truth is not None:
            self._outline(
                axes, ground_truth, color="limegreen", style="--", width=1.2 * _stroke(size)
            )
        return _pixels(figure)

    def _outline(self, axes: Axes, mesh: Mesh, *, color: str, style: str, width: float) -> None:
        if not mesh.is_empty:
            check_dim(mesh, 2, other="a 2-D mesh")
            line = PathPatch(mesh_outline(mesh), fill=False, edgecolor=color, linestyle=style)
            line.set(zorder=3, linewidth=width)
            axes.add_patch(line)

    def _box(self, size: int) -> tuple[Figure, Axes]:
        # not pyplot, whose global state is not thread-safe
        figure = Figure(figsize=(size / DPI, size / DPI), dpi=DPI, facecolor=self.background)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(-1, 1), ylim=(-1, 1))
        return figure, axes


def mesh_outline(mesh: Mesh) -> Outline:
    """Return the segments of a 2-D mesh as a path of closed loops.

    If several segments leave a vertex, any order gives the same winding number. An open chain of
    segments is closed by a straight line.
    """
    order = np.argsort(mesh.faces[:, 0], kind="stable")
    count = np.bincount(mesh.faces[:, 0], minlength=len(mesh.vertices))
    end = np.cumsum(count).tolist()
    following = (np.cumsum(count) - count).tolist()
    target = mesh.faces[order, 1].tolist()
    points: list[Floats] = []
    codes: list[int] = []
    for first in _walk_starts(mesh, count):
        while following[first] < end[first]:
            walk = [first]
            while following[walk[-1]] < end[walk[-1]]:
                following[walk[-1]] += 1
                walk.append(target[following[walk[-1]] - 1])
            closed = walk if walk[-1] == first else [*walk, first]
            points.append(mesh.vertices[closed])
            codes += [int(Outline.MOVETO)]
            codes += [int(Outline.LINETO)] * (len(closed) - 2) + [int(Outline.CLOSEPOLY)]
    return Outline(np.concatenate(points), codes)


def _walk_starts(mesh: Mesh, leaving: Ints) -> list[int]:
    # open chains first, from their first vertex: started in the middle they would be split
    arriving = np.bincount(mesh.faces[:, 1], minlength=len(mesh.vertices))
    starts: list[int] = np.argsort(arriving - leaving, kind="stable").tolist()
    return starts


def _stroke(size: int) -> float:
    """Return a line width in points, proportional to the image size: one pixel at 256."""
    return max(0.7, size / 256) * 72 / DPI


def _pixels(figure: Figure) -> Image:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image: Image = np.array(canvas.buffer_rgba(), dtype=np.uint8)
    return np.ascontiguousarray(image[..., :3])
