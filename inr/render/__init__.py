"""Pictures of shapes: renderers, their interface, and grids of pictures."""

from collections.abc import Sequence

from inr.render.interface import Color, Image, Renderer, Renderer2D
from inr.shapes.mesh import Mesh

GROUND_TRUTH_COLOR: Color = (0.78, 0.78, 0.78)  # unlike the color of reconstructions


class ShapeRenderer:
    """Renderer of 2-D and 3-D shapes.

    Args:
        solid: renderer of 3-D meshes.
        flat: renderer of 2-D meshes and fields.
    """

    def __init__(self, solid: Renderer, flat: Renderer2D) -> None:
        self.solid = solid
        self.flat = flat

    def render(self, mesh: Mesh, *, size: int | None = None, color: Color | None = None) -> Image:
        """Draw one mesh; see `Renderer.render`."""
        return (self.flat if mesh.dim == 2 else self.solid).render(mesh, size=size, color=color)

    def render_parts(
        self, meshes: Sequence[Mesh], colors: Sequence[Color], *, size: int | None = None
    ) -> Image:
        """Draw meshes in one picture; see `Renderer.render_parts`."""
        flat = any(mesh.dim == 2 for mesh in meshes)
        return (self.flat if flat else self.solid).render_parts(meshes, colors, size=size)
