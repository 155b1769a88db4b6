"""Image metrics: silhouettes and normals from fixed cameras, in 3-D."""

import numpy as np

from inr.metrics.base import Conditions, Metric, MetricInfo, NotMeasuredError
from inr.metrics.pair import Pair, Views
from inr.metrics.requirements import require_reconstruction, require_solid
from inr.shapes.mesh import Mesh


class ImageConsistency(Metric):
    """Agreement of silhouettes and normals in 8 views of both shapes, in the box frame.

    The mean over the views of the IoU of the masks times the mean cosine of the normals (oriented
    towards the camera) over the pixels that both shapes cover: Guillard et al., MeshUDF, ECCV 2022,
    as Talabot et al. (PartSDF, 2025) report it. Their script takes the cosine of normals stored as
    8-bit colors, whose arithmetic overflows; here normals are floating-point numbers, so that
    published values are not exactly comparable.
    """

    def info(self, conditions: Conditions) -> MetricInfo:
        """Return unit and definition."""
        text = (
            "mean over 8 views of the intersection over union of the masks, times the mean cosine "
            "of the normals where both masks are set"
        )
        return MetricInfo("fraction", text)

    def measure(self, pair: Pair) -> float:
        """Return the value."""
        if pair.dim == 2:
            raise NotMeasuredError("views need a 3-D shape, and this one is 2-D")
        if pair.views is None:
            raise NotMeasuredError("there is no renderer to cast the views")
        views = [
            pair.views(Mesh(pair.box.apply(mesh.vertices), mesh.faces))
            for mesh in (require_reconstruction(pair), require_solid(pair))
        ]
        return image_consistency(*views)


def image_consistency(reconstruction: Views, ground_truth: Views) -> float:
    """Return the mean over views of mask IoU times mean cosine of normals, in [-1, 1].

    A view in which the shapes share no pixel scores 0; one that shows neither shape is left out.

    Raises:
        NotMeasuredError: a ValueError, if no view shows the ground truth.
    """
    if not ground_truth.masks.any():
        raise NotMeasuredError("no view shows the ground truth: it lies outside the images")
    scores = []
    views = zip(*reconstruction, *ground_truth, strict=True)
    for mask, normals, mask_ground_truth, normals_ground_truth in views:
        both, either = mask & mask_ground_truth, mask | mask_ground_truth
        if not either.any():
            continue
        cosines = np.einsum("nd,nd->n", normals[both], normals_ground_truth[both])
        # IoU times mean: the number of shared pixels cancels, since it may be 0
        scores.append(cosines.sum() / either.sum())
    return float(np.mean(scores))
