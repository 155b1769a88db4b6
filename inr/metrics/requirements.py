"""Requirements of metrics on a pair; one that is not met raises NotMeasuredError."""

from inr.metrics.base import NotMeasuredError
from inr.metrics.pair import FieldEvaluator, Pair
from inr.shapes.mesh import Mesh


def require_reconstruction(pair: Pair) -> Mesh:
    """Return the reconstruction's mesh, which may be empty."""
    mesh = pair.reconstruction.mesh
    assert mesh is not None  # a reconstruction is never a point cloud
    return mesh


def require_solid(pair: Pair) -> Mesh:
    """Return the mesh of the ground truth, for metrics of its inside.

    Raises:
        NotMeasuredError: if it is a point cloud, the visible faces of a triangle soup, or a 2-D
            outline that is open.
    """
    if pair.ground_truth.no_inside:
        raise NotMeasuredError(pair.ground_truth.no_inside)
    mesh = pair.ground_truth.mesh
    assert mesh is not None  # a point cloud says that it has no inside
    # ray crossings of an open outline would count everything on one side of it as inside
    if mesh.dim == 2 and not mesh.is_closed():
        raise NotMeasuredError("ground truth has no inside: its outline is open")
    return mesh


def require_field(pair: Pair) -> FieldEvaluator:
    """Return the field of the network.

    Raises:
        NotMeasuredError: if only meshes are given.
    """
    if pair.evaluator is None:
        raise NotMeasuredError("it needs the field of a network, but only meshes are given")
    return pair.evaluator
