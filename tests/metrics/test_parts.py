from itertools import pairwise

import numpy as np
import pytest

from inr.metrics.base import NotMeasuredError
from inr.metrics.pair import Pair, Surface
from inr.metrics.parts import PartIoU, label_cells, part_iou
from inr.shapes.mesh import Mesh, empty_mesh
from inr.shapes.normalize import identity
from tests.support.pairs import box

EXACT = {"abs": 1e-12}


def beam(start, end, dim):
    """A box of length end - start along the first axis and of height 1 along the others."""
    return box([start] + [0.0] * (dim - 1), [end] + [1.0] * (dim - 1))


def bar(cuts, dim):
    """A bar cut into boxes, and its whole."""
    parts = [beam(a, b, dim) for a, b in pairwise(cuts)]
    return parts, beam(cuts[0], cuts[-1], dim)


@pytest.mark.parametrize("dim", [2, 3])
def test_a_cut_that_moved(dim):
    ground_truth, whole = bar([0, 5, 10], dim)
    moved, _ = bar([0, 7, 10], dim)
    got = part_iou(moved, ground_truth, whole, whole, resolution=20)
    assert got.ious == pytest.approx([5 / 7, 3 / 5], **EXACT)
    assert got.mean == pytest.approx((5 / 7 + 3 / 5) / 2, **EXACT)
    assert part_iou(ground_truth, ground_truth, whole, whole, resolution=20).mean == 1


@pytest.mark.parametrize("dim", [2, 3])
def test_a_whole_that_grew(dim):
    ground_truth, whole = bar([0, 5, 8], dim)
    grown, larger = bar([0, 5, 10], dim)
    got = part_iou(grown, ground_truth, larger, whole, resolution=20)
    assert got.ious == pytest.approx([1, 3 / 5], **EXACT)


@pytest.mark.parametrize("dim", [2, 3])
def test_what_lies_in_no_part_belongs_to_the_nearest(dim):
    _, whole = bar([0, 10], dim)
    ground_truth = [beam(0, 4, dim), beam(9, 10, dim)]  # the middle is at 6.5
    halves, _ = bar([0, 6.5, 10], dim)
    assert part_iou(ground_truth, halves, whole, whole, resolution=40).mean == 1


@pytest.mark.parametrize("dim", [2, 3])
def test_what_lies_in_two_parts_belongs_to_the_one_it_is_deeper_in(dim):
    lower, upper = np.array([0.0] * dim), np.array([10.0] + [8.0] * (dim - 1))

    def slab(start, end):
        return box([start] + [0.0] * (dim - 1), [end] + [8.0] * (dim - 1))

    # both hold 4 to 6; along the axis of the bar they part at 5
    labels = label_cells([slab(0, 6), slab(4, 10)], slab(0, 10), lower, upper, 40)
    assert labels.shape == (40,) * dim
    middle = labels[(slice(None), *[20] * (dim - 1))]
    assert middle.tolist() == [0] * 20 + [1] * 20


def test_only_the_inside_of_the_whole_counts():
    lower, upper = np.zeros(2), np.array([10.0, 1.0])
    labels = label_cells([beam(0, 10, 2)], beam(0, 5, 2), lower, upper, 10)
    assert (labels[:5] == 0).all() and (labels[5:] == -1).all()
    assert (label_cells([None], beam(0, 5, 2), lower, upper, 10) == -1).all()


@pytest.mark.parametrize("dim", [2, 3])
def test_swapped_numbers(dim):
    ground_truth, whole = bar([0, 2, 5, 10], dim)
    swapped = [ground_truth[2], ground_truth[0], ground_truth[1]]
    assert part_iou(swapped, ground_truth, whole, whole, resolution=20).mean == 0
    got = part_iou(swapped, ground_truth, whole, whole, resolution=20, matched=True)
    assert got.mean == 1 and got.matches.tolist() == [1, 2, 0]


def test_the_assignment_is_the_best_and_not_the_greedy_one():
    ground_truth, whole = bar([0, 10, 14], 2)
    other, _ = bar([0, 4, 14], 2)
    # equal numbers: 4/10 and 4/10; crossed: 0 and 6/14
    got = part_iou(other, ground_truth, whole, whole, resolution=14, matched=True)
    assert got.ious == pytest.approx([4 / 10, 4 / 10], **EXACT)
    assert got.matches.tolist() == [0, 1]


def test_unlike_numbers_of_parts():
    ground_truth, whole = bar([0, 4, 10], 2)
    other, _ = bar([0, 4, 8, 10], 2)
    got = part_iou(other, ground_truth, whole, whole, resolution=20, matched=True)
    assert got.ious == pytest.approx([1, 4 / 6], **EXACT)
    assert got.mean == pytest.approx((1 + 4 / 6) / 3, **EXACT)  # the third has no counterpart
    back = part_iou(ground_truth, other, whole, whole, resolution=20, matched=True)
    assert back.mean == pytest.approx(got.mean, **EXACT)
    assert back.matches.tolist() == [0, 1, -1] and back.ious[2] == 0
    with pytest.raises(ValueError, match="3 parts and the ground truth 2"):
        part_iou(other, ground_truth, whole, whole, resolution=20)


@pytest.mark.parametrize("matched", [False, True])
def test_missing_parts(matched):
    ground_truth, whole = bar([0, 4, 10], 2)
    ground_truth = [*ground_truth, None]
    settings = {"resolution": 20, "matched": matched}
    both_lack = part_iou(ground_truth, ground_truth, whole, whole, **settings)
    assert both_lack.mean == 1 and np.isnan(both_lack.ious[2])
    # the first part alone, and the whole with it
    got = part_iou(
        [ground_truth[0], empty_mesh(2), None], ground_truth, ground_truth[0], whole, **settings
    )
    assert got.ious[:2].tolist() == [1, 0] and got.mean == 0.5
    # one too many
    got = part_iou(bar([0, 4, 8, 10], 2)[0], ground_truth, whole, whole, **settings)
    assert got.mean == pytest.approx((1 + 4 / 6 + 0) / 3, **EXACT)
    nothing = part_iou([None] * 3, ground_truth, empty_mesh(2), whole, **settings)
    assert nothing.mean == 0 and nothing.ious[:2].tolist() == [0, 0]


def test_bad_input():
    parts, whole = bar([0, 4, 10], 2)
    with pytest.raises(NotMeasuredError, match="no inside"):
        part_iou(parts, parts, whole, empty_mesh(2))
    with pytest.raises(NotMeasuredError, match="belongs to a part"):
        part_iou(parts, [None, None], whole, whole, resolution=4)
    with pytest.raises(ValueError, match=r"dimensions \[2, 3\]"):
        part_iou([beam(0, 1, 3), None], parts, whole, whole)
    with pytest.raises(ValueError, match="at least 1"):
        PartIoU(resolution=0, matched=False)


def pair(reconstruction: Mesh, ground_truth: Mesh, parts) -> Pair:
    sides = Surface(reconstruction), Surface(ground_truth)
    return Pair(*sides, "bar", 100, 0, identity(ground_truth.dim), parts=lambda: parts)


def test_the_metric_takes_the_parts_of_a_pair():
    ground_truth, whole = bar([0, 5, 10], 3)
    moved, _ = bar([0, 7, 10], 3)
    metric = PartIoU(resolution=20, matched=False)
    here = pair(whole, whole, (moved, ground_truth))
    assert metric.measure(here) == pytest.approx((5 / 7 + 3 / 5) / 2, **EXACT)
    assert metric.measure(here.floor()) == 1
    empty = pair(empty_mesh(3), whole, ([None, None], ground_truth))
    assert metric.of_empty(empty, None) == 0
    swapped = pair(whole, whole, (ground_truth[::-1], ground_truth))
    assert metric.measure(swapped) == 0
    assert PartIoU(resolution=20, matched=True).measure(swapped) == 1
    with pytest.raises(NotMeasuredError, match="no parts"):
        metric.measure(pair(whole, whole, None))
    with pytest.raises(NotMeasuredError, match="has 1 parts and the ground truth 2"):
        metric.measure(pair(whole, whole, (ground_truth[:1], ground_truth)))
