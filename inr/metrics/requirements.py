"""What some metrics need of a pair; where it is not there, the reason why they have no value."""

from inr.metrics.base import NotMeasuredError
from inr.metrics.pair import FieldEvaluator, Pair
from inr.shapes.mesh import Mesh


def require_reconstruction(pair: Pair) -> Mesh:
    """Return the reconstruction's mesh, which may be empty."""
    mesh = pair.reconstruction.mesh
    assert mesh is not None  # clouds are never reconstructions
    return mesh


def require_solid(pair: Pair) -> Mesh:
    """Return the ground truth's mesh, for metrics that ask what is inside it.

    Raises:
        NotMeasuredError: if it is a point cloud, or a 2-D outline that is open.
    """
    mesh = pair.ground_truth.mesh
    if mesh is None:
        raise NotMeasuredError("the ground truth is a point cloud, which has no inside")
    # by crossings of a ray, all that lies on one side of an open outline would be inside
    if mesh.dim == 2 and not mesh.is_closed():
        raise NotMeasuredError("ground truth has no inside: its outline is open")
    return mesh


def require_field(pair: Pair) -> FieldEvaluator:
    """Return the network's field.

    Raises:
        NotMeasuredError: if there are only meshes.
    """
    if pair.evaluator is None:
        raise NotMeasuredError("it needs the network's field, and only meshes are given")
    return pair.evaluator
