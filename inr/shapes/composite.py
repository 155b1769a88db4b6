"""A shape with the parts that it is made of."""

from dataclasses import dataclass

from inr.shapes.mesh import Mesh
from inr.shapes.normalize import Normalization
from inr.shapes.poses import Poses


@dataclass(frozen=True)
class Composite:
    """Shape with its parts and their poses, all in one frame.

    Args:
        mesh: the whole shape, the closed boundary of the union of its parts.
        parts: P part meshes, None for an absent part; empty for a shape without parts.
        poses: poses of the P parts; None if unknown.
    """

    mesh: Mesh
    parts: list[Mesh | None]
    poses: Poses | None

    def __post_init__(self) -> None:
        if self.poses is not None:
            present = [part is not None for part in self.parts]
            assert self.poses.present.tolist() == present, self.poses.present

    def normalised(self, normalization: Normalization) -> "Composite":
        """Return the composite in the box frame, given the native-to-box transform."""
        return Composite(
            normalization.apply_mesh(self.mesh),
            [None if part is None else normalization.apply_mesh(part) for part in self.parts],
            None if self.poses is None else self.poses.normalised(normalization),
        )


def without_parts(mesh: Mesh) -> Composite:
    """Return a composite of one mesh without parts."""
    return Composite(mesh, [], None)
