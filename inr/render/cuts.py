"""Pictures of a cut through a triangle soup and the solid that it encloses."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from inr.render.contour import mesh_outline
from inr.render.interface import Image
from inr.render.slices import AXES, cross_section
from inr.shapes.mesh import Mesh
from inr.shapes.sampling import sample_surface
from inr.shapes.sdf import unsigned_distance

DPI = 64
SOLID, GIVEN = "#a9bfdf", "#c1121f"
# from the middle of the shape to the plane of the cut, box units: shapes have faces in the middle
OFFSET = 0.0113
# points of the visible faces that decide on the plane of the cut; those farther than OFF from the
# solid are of sheets, unless they are FEW
NUM_POINTS, OFF, FEW = 4000, 0.004, 0.01
# planes that are tried, by the fraction of the points below them, and how far points count
QUANTILES, SLAB = (0.1, 0.3, 0.5, 0.7, 0.9), 0.02


def cut_soup(given: Mesh, solid: Mesh, visible: Mesh) -> tuple[Mesh, Mesh, str]:
    """Return the cross-sections of a soup and its solid with one plane, and where it is.

    2-D meshes are returned as they are.

    Args:
        given: the soup, D = 2 or 3.
        solid: its solid.
        visible: its visible faces; may be empty.

    Returns:
        both as 2-D meshes, and a text such as "z = 0.01, "; empty in 2-D.
    """
    if given.dim == 2:
        return given, solid, ""
    axis, offset = find_plane(solid, visible)
    sections = [cross_section(mesh, axis=axis, offset=offset) for mesh in (given, solid)]
    return sections[0], sections[1], f"{AXES[axis]} = {offset:.2f}, "


def find_plane(solid: Mesh, visible: Mesh) -> tuple[int, float]:
    """Return axis and offset of a plane that cuts the sheets of a soup, or else its walls.

    Of planes perpendicular to the axes it is that whose intersection with them is longest.

    Args:
        solid: solid of the soup, 3-D.
        visible: visible faces of the soup; may be empty.
    """
    middle = solid.bounds.mean(axis=0) + OFFSET
    if visible.is_empty:
        return len(AXES) - 1, float(middle[-1])
    points, normals = sample_surface(visible, NUM_POINTS, np.random.default_rng(0))
    off = unsigned_distance(solid, points) > OFF
    places = middle[None]
    if off.mean() > FEW:
        points, normals = points[off], normals[off]
        places = np.quantile(points, QUANTILES, axis=0)
    near = np.abs(points[:, None] - places) < SLAB  # (N, planes, axis)
    # of a face at an angle to the plane, the area in the slab is larger than the length in it
    length = np.einsum("nqa,na->qa", near, np.sqrt(1 - normals.clip(-1, 1) ** 2))
    place, axis = np.unravel_index(length[:, ::-1].argmax(), length.shape)
    axis = len(AXES) - 1 - axis
    return int(axis), float(places[place, axis])


def draw_cut(given: Mesh, solid: Mesh, *, size: int) -> Image:
    """Draw a solid filled, and the faces of a soup as lines on top.

    Args:
        given: 2-D mesh of lines, which need not be closed; may be empty.
        solid: 2-D mesh, closed; may be empty.
        size: width and height of the image in pixels; it shows [-1, 1]^2.

    Returns:
        (size, size, 3) uint8.
    """
    figure = Figure(figsize=(size / DPI, size / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1, 1), ylim=(-1, 1))
    axes.set_axis_off()
    if not solid.is_empty:
        patch = PathPatch(mesh_outline(solid), facecolor=SOLID, edgecolor="#30638e", linewidth=0.8)
        axes.add_patch(patch)
    axes.add_collection(LineCollection(list(given.corners()), colors=GIVEN, linewidths=1.0))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
