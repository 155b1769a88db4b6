"""Statistics that compare a set of generated shapes with a set of reference shapes.

Shapes are point clouds. All statistics derive from pairwise distances between G generated shapes
and R references, usually the shapes of the test split. Papers abbreviate them as COV (coverage),
MMD-CD (minimum matching distance by the Chamfer distance) and 1-NNA (nearest-neighbour accuracy).
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from inr.shapes.mesh import Floats


def pairwise_chamfer(
    first: Sequence[Floats], second: Sequence[Floats], *, workers: int = -1
) -> Floats:
    """Return the Chamfer distance between every cloud of one set and every cloud of another.

    It is the sum of the mean squared nearest-point distances in both directions. The tree of each
    cloud is searched once, for the points of all clouds of the other set; if both sets are the same
    object, one search gives both directions.

    Args:
        first: F clouds (n, D); n may differ between them.
        second: S clouds (m, D); m may differ between them.
        workers: threads that search a tree; -1 for one per core.

    Returns:
        (F, S) float64, in squared units of the points.

    Raises:
        ValueError: if a set or a cloud is empty, a point is not finite, or the clouds are not
            all of one dimension.
    """
    is_same = second is first
    first = _as_clouds(first, "first")
    second = first if is_same else _as_clouds(second, "second")
    if first[0].shape[1] != second[0].shape[1]:
        raise ValueError(
            f"the first set is in {first[0].shape[1]}-D and the second in "
            f"{second[0].shape[1]}-D; a distance needs one dimension"
        )
    forward = _mean_squared_distances(first, second, workers)
    return forward + (forward.T if is_same else _mean_squared_distances(second, first, workers).T)


def _mean_squared_distances(
    clouds: Sequence[Floats], targets: Sequence[Floats], workers: int
) -> Floats:
    """Return the mean squared distance of a cloud's points to the nearest points of each target."""
    points = np.concatenate(clouds)
    counts = np.array([len(cloud) for cloud in clouds])
    starts = np.cumsum(counts) - counts
    means = np.empty((len(clouds), len(targets)))
    for column, target in enumerate(targets):
        distances, _ = cKDTree(target).query(points, workers=workers)
        means[:, column] = np.add.reduceat(np.square(distances), starts) / counts
    return means


def _as_clouds(clouds: Sequence[Floats], which: str) -> list[Floats]:
    """Return the clouds as float64; raise ValueError unless all are (n, D) and finite."""
    if len(clouds) == 0:
        raise ValueError(f"the {which} set has no cloud; give at least one shape")
    converted: list[Floats] = [np.asarray(cloud, dtype=np.float64) for cloud in clouds]
    for number, cloud in enumerate(converted):
        if cloud.ndim != 2 or cloud.shape[1] != converted[0].shape[-1]:
            raise ValueError(
                f"cloud {number} of the {which} set has shape {cloud.shape}; "
                "every cloud must be (n, D) with the same D"
            )
        if len(cloud) == 0:
            raise ValueError(f"cloud {number} of the {which} set is empty; leave out empty shapes")
        if not np.isfinite(cloud).all():
            raise ValueError(
                f"cloud {number} of the {which} set has {len(cloud)} points, "
                f"{np.sum(~np.isfinite(cloud).all(axis=1))} of them not finite; leave it out, or "
                "sample the points anew"
            )
    return converted


def coverage(distances: Floats) -> float:
    """Return the coverage (COV), a fraction of the references (Achlioptas et al., ICML 2018).

    Covered are the references that are the nearest neighbour of at least one generated shape. 1 is
    ideal; G generated shapes cover at most G / R. One that is equally near to several references
    covers the first of them.

    Args:
        distances: (G, R), distances of generated shapes (rows) to references (columns).

    Raises:
        ValueError: if there is no generated shape or no reference, or a distance is not finite.
    """
    distances = _as_matrix(distances, "distances")
    return len(np.unique(distances.argmin(axis=1))) / distances.shape[1]


def minimum_matching_distance(distances: Floats) -> float:
    """Return the minimum matching distance (MMD), 0 at best (Achlioptas et al., ICML 2018).

    It is the mean over the references of the distance to the nearest generated shape, which may be
    the nearest of several references. By the Chamfer distance papers call it MMD-CD.

    Args:
        distances: (G, R), distances of generated shapes (rows) to references (columns).

    Raises:
        ValueError: if there is no generated shape or no reference, or a distance is not finite.
    """
    return float(_as_matrix(distances, "distances").min(axis=0).mean())


def nearest_neighbour_accuracy(
    generated_to_generated: Floats,
    generated_to_references: Floats,
    references_to_references: Floats,
) -> float:
    """Return the 1-NN accuracy (1-NNA): how well generated shapes are told from references.

    Each shape is assigned the class, generated or reference, of the nearest other shape of both
    sets (leave-one-out: Lopez-Paz and Oquab, ICLR 2017; for shapes, Yang et al., PointFlow,
    ICCV 2019). 0.5 is ideal for sets of equal size; 1 means that the sets are separate, and less
    than 0.5 that generated shapes are nearer to references than references are to each other: a
    copy of the references scores 0.

    The diagonal, the distance of a shape to itself, is ignored. If several shapes are equally
    near, the fraction of them with the right class is counted, so that the result does not
    depend on the order of the shapes.

    Args:
        generated_to_generated: (G, G), distances between generated shapes.
        generated_to_references: (G, R), distances of generated shapes (rows) to references
            (columns).
        references_to_references: (R, R), distances between references.

    Raises:
        ValueError: if there is no generated shape or no reference, the sizes of the matrices do
            not match, or a distance is not finite.
    """
    between = _as_matrix(generated_to_references, "generated_to_references")
    num_generated, num_references = between.shape
    generated = _as_matrix(generated_to_generated, "generated_to_generated", num_generated)
    references = _as_matrix(references_to_references, "references_to_references", num_references)
    distances = np.block([[generated, between], [between.T, references]])
    np.fill_diagonal(distances, np.inf)
    is_nearest = distances == distances.min(axis=1, keepdims=True)
    is_generated = np.arange(len(distances)) < num_generated
    is_right = is_nearest & (is_generated[:, None] == is_generated)
    return float((is_right.sum(axis=1) / is_nearest.sum(axis=1)).mean())


def _as_matrix(distances: Floats, name: str, size: int | None = None) -> Floats:
    """Return a distance matrix as float64: (G, R), or square with `size` rows; all finite."""
    distances = np.asarray(distances, dtype=np.float64)
    if distances.ndim != 2 or distances.size == 0:
        raise ValueError(
            f"{name} has shape {distances.shape}; it needs at least one row and one column"
        )
    if size is not None and distances.shape != (size, size):
        raise ValueError(
            f"{name} has shape {distances.shape}; to match generated_to_references it must be "
            f"({size}, {size})"
        )
    off_diagonal = (
        np.ones(distances.shape, dtype=bool) if size is None else ~np.eye(size, dtype=bool)
    )
    if not np.isfinite(distances[off_diagonal]).all():
        raise ValueError(
            f"{name} has distances that are not finite; leave out the shapes whose points are not"
        )
    return distances
