"""Statistics that compare a set of generated shapes with a set of reference shapes.

Shapes are point clouds. All statistics derive from pairwise distances between S samples of a
generator and R references, usually the shapes of the test split.
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
        first: S clouds (n, D); n may differ between them.
        second: R clouds (m, D); m may differ between them.
        workers: threads that search a tree; -1 for one per core.

    Returns:
        (S, R) float64, in squared units of the points.

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
    forward = _mean_squares(first, second, workers)
    return forward + (forward.T if is_same else _mean_squares(second, first, workers).T)


def _mean_squares(clouds: Sequence[Floats], targets: Sequence[Floats], workers: int) -> Floats:
    """Return the mean squared distance from the points of each cloud to each target."""
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
        if len(cloud) == 0 or not np.isfinite(cloud).all():
            raise ValueError(
                f"cloud {number} of the {which} set has {len(cloud)} points, "
                f"{np.sum(~np.isfinite(cloud).all(axis=1))} of them not finite; a distance needs "
                "at least one point, and finite ones: leave out empty shapes"
            )
    return converted


def coverage(distances: Floats) -> float:
    """Return the fraction of references that are the nearest reference of some sample.

    1 is ideal; S samples cover at most S / R. A sample that is equally near to several references
    covers the first of them (Achlioptas et al., ICML 2018).

    Args:
        distances: (S, R), distances of samples (rows) to references (columns).

    Raises:
        ValueError: if there is no sample or no reference, or a distance is not finite.
    """
    distances = _as_table(distances, "distances")
    return len(np.unique(distances.argmin(axis=1))) / distances.shape[1]


def minimum_matching_distance(distances: Floats) -> float:
    """Return the mean over the references of the distance to the nearest sample.

    0 is ideal. A sample may be the nearest of several references (Achlioptas et al., ICML
    2018).

    Args:
        distances: (S, R), distances of samples (rows) to references (columns).

    Raises:
        ValueError: if there is no sample or no reference, or a distance is not finite.
    """
    return float(_as_table(distances, "distances").min(axis=0).mean())


def nearest_neighbour_accuracy(
    among_samples: Floats, across: Floats, among_references: Floats
) -> float:
    """Return the accuracy of a 1-NN classifier that tells samples from references.

    Each shape is assigned the class, sample or reference, of the nearest other shape of both sets
    (leave-one-out: Lopez-Paz and Oquab, ICLR 2017; for shapes, Yang et al., PointFlow,
    ICCV 2019). 0.5 is ideal for sets of equal size; 1 means that the sets are separate, and less
    than 0.5 that samples are nearer to references than references are to each other: a copy of the
    references scores 0.

    The diagonal, the distance of a shape to itself, is ignored. If several shapes are equally
    near, the fraction of them with the right class is counted, so that the result does not
    depend on the order of the shapes.

    Args:
        among_samples: (S, S), distances between samples.
        across: (S, R), distances of samples (rows) to references (columns).
        among_references: (R, R), distances between references.

    Raises:
        ValueError: if there is no sample or no reference, the shapes of the tables do not match, or
            a distance is not finite.
    """
    across = _as_table(across, "across")
    num_samples, num_references = across.shape
    among_samples = _as_table(among_samples, "among_samples", num_samples)
    among_references = _as_table(among_references, "among_references", num_references)
    table = np.block([[among_samples, across], [across.T, among_references]])
    np.fill_diagonal(table, np.inf)
    is_nearest = table == table.min(axis=1, keepdims=True)
    is_sample = np.arange(len(table)) < num_samples
    is_right = is_nearest & (is_sample[:, None] == is_sample)
    return float((is_right.sum(axis=1) / is_nearest.sum(axis=1)).mean())


def _as_table(distances: Floats, name: str, side: int | None = None) -> Floats:
    """Return finite distances as float64: (S, R), or square with `side` rows."""
    distances = np.asarray(distances, dtype=np.float64)
    if distances.ndim != 2 or distances.size == 0:
        raise ValueError(
            f"{name} has shape {distances.shape}; it needs at least one row and one column"
        )
    if side is not None and distances.shape != (side, side):
        raise ValueError(
            f"{name} has shape {distances.shape}; to match `across` it must be ({side}, {side})"
        )
    off_diagonal = (
        np.ones(distances.shape, dtype=bool) if side is None else ~np.eye(side, dtype=bool)
    )
    if not np.isfinite(distances[off_diagonal]).all():
        raise ValueError(f"{name} has distances that are not finite; leave out empty shapes")
    return distances
