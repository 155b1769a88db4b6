"""A shape with the parts that it is made of."""

from dataclasses import dataclass

from inr.shapes.mesh import Mesh
from inr.shapes.normalize import Normalization
from inr.shapes.poses import Poses


@dataclass(frozen=True)
class Composite:
    """Shape with its parts in the same frame, and each part's pose.

    Args:
        mesh: the whole, the closed boundary of the parts' union.
        parts: P meshes in the frame of `mesh`, or None where the shape lacks the part; empty for
            a shape without parts.
        poses: of the P parts, in that frame; None where they are not known.
    """

    mesh: Mesh
    parts: list[Mesh | None]
    poses: Poses | None

    def __post_init__(self) -> None:
        if self.poses is not None:
            present = [part is not None for part in self.parts]
            assert self.poses.present.tolist() == present, self.poses.present

    def normalised(self, normalization: Normalization) -> "Composite":
        """Return the composite in the box frame: meshes and poses of present parts alike."""
        return Composite(
            normalization.apply_mesh(self.mesh),
            [None if part is None else normalization.apply_mesh(part) for part in self.parts],
            None if self.poses is None else self.poses.normalised(normalization),
        )


def without_parts(mesh: Mesh) -> Composite:
    """Return a composite that is one mesh and names no parts."""
    return Composite(mesh, [], None)
