import numpy as np
import pytest

from inr.metrics.generation import (
    coverage,
    minimum_matching_distance,
    nearest_neighbour_accuracy,
    pairwise_chamfer,
)


def blobs(num_clouds, dim, seed, *, centre=0.0, spread=1.0):
    """Return clouds of differing sizes around centres of their own."""
    rng = np.random.default_rng(seed)
    return [
        centre + spread * rng.normal(size=dim) + 0.1 * rng.normal(size=(rng.integers(5, 30), dim))
        for _ in range(num_clouds)
    ]


def score(generated, references):
    """Return coverage, minimum matching distance and accuracy of two sets of clouds."""
    across = pairwise_chamfer(generated, references)
    accuracy = nearest_neighbour_accuracy(
        pairwise_chamfer(generated, generated), across, pairwise_chamfer(references, references)
    )
    return coverage(across), minimum_matching_distance(across), accuracy


def brute_chamfer(a, b):
    squared = np.square(a[:, None] - b[None]).sum(axis=2)
    return squared.min(axis=1).mean() + squared.min(axis=0).mean()


@pytest.mark.parametrize("dim", [2, 3])
def test_chamfer_agrees_with_brute_force(dim):
    first, second = blobs(4, dim, 0), blobs(6, dim, 1)
    across = pairwise_chamfer(first, second)
    assert across.shape == (4, 6) and across.dtype == np.float64
    np.testing.assert_allclose(across, [[brute_chamfer(a, b) for b in second] for a in first])
    among = pairwise_chamfer(first, first)
    np.testing.assert_allclose(among, [[brute_chamfer(a, b) for b in first] for a in first])
    assert (among == among.T).all() and not among.diagonal().any()
    np.testing.assert_array_equal(among, pairwise_chamfer(first, list(first)))


@pytest.mark.parametrize("dim", [2, 3])
def test_chamfer_of_a_shifted_point_is_twice_the_square(dim):
    origin, shifted = np.zeros((1, dim), dtype=np.float32), np.full((1, dim), 0.5)
    assert pairwise_chamfer([origin], [shifted])[0, 0] == pytest.approx(2 * dim * 0.25)


def test_scores_agree_with_loops():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(12, 2))
    table = np.linalg.norm(points[:, None] - points, axis=2)
    generated, references = range(5), range(5, 12)
    covered = {min(references, key=lambda r: table[s, r]) for s in generated}
    matched = [min(table[s, r] for s in generated) for r in references]
    right = [
        (min((j for j in range(12) if j != i), key=lambda j: table[i, j]) < 5) == (i < 5)
        for i in range(12)
    ]
    assert 0 < len(covered) < 7 and 0 < sum(right) < 12
    assert coverage(table[:5, 5:]) == pytest.approx(len(covered) / 7)
    assert minimum_matching_distance(table[:5, 5:]) == pytest.approx(np.mean(matched))
    accuracy = nearest_neighbour_accuracy(table[:5, :5], table[:5, 5:], table[5:, 5:])
    assert accuracy == pytest.approx(np.mean(right))


def test_a_copy_of_the_references_covers_all_and_is_told_by_nobody():
    references = blobs(8, 3, 0)
    assert score([cloud.copy() for cloud in references], references) == (1.0, 0.0, 0.0)


def test_sets_that_lie_apart_are_told_from_each_other():
    covered, matched, accuracy = score(blobs(8, 2, 0), blobs(8, 2, 1, centre=100.0))
    assert accuracy == 1.0
    assert covered < 1.0
    assert matched > 2 * 100.0**2


def test_the_same_distribution_scores_about_a_half():
    covered, _, accuracy = score(blobs(100, 2, 0), blobs(100, 2, 1))
    # 200 shapes: the standard deviation of a fair coin's share is 0.035
    assert accuracy == pytest.approx(0.5, abs=0.12)
    assert 0.3 < covered < 1.0


def test_a_generator_that_repeats_itself_covers_one_reference():
    references = blobs(10, 3, 0)
    covered, matched, accuracy = score([references[4]] * 10, references)
    assert covered == 1 / 10
    assert matched == pytest.approx(np.mean([brute_chamfer(references[4], c) for c in references]))
    # each generated shape has nine copies among the generated and one among the references
    assert accuracy == pytest.approx((10 * 0.9 + 9) / 20)


def test_equal_distances_are_shared_and_the_first_reference_is_covered():
    assert coverage(np.zeros((5, 4))) == 1 / 4
    ones = np.ones((2, 2))
    # each shape has one other of its class and two of the other class, all equally near
    assert nearest_neighbour_accuracy(ones, ones, ones) == pytest.approx(1 / 3)


def test_the_distance_to_itself_is_never_looked_at():
    apart = np.array([[0.0, 5.0], [5.0, 0.0]])
    unset = np.where(np.eye(2, dtype=bool), np.nan, apart)
    across = np.ones((2, 2))
    assert nearest_neighbour_accuracy(apart, across, apart) == 0.0
    assert nearest_neighbour_accuracy(unset, across, unset) == 0.0
    assert nearest_neighbour_accuracy(apart / 10, across, apart / 10) == 1.0


def test_more_generated_shapes_lower_the_matching_distance_and_never_the_coverage():
    generated, references = blobs(40, 2, 0), blobs(20, 2, 1)
    across = pairwise_chamfer(generated, references)
    assert minimum_matching_distance(across) < minimum_matching_distance(across[:10])
    assert coverage(across) >= coverage(across[:10])


def test_what_has_no_answer_is_refused():
    cloud = np.zeros((4, 3))
    with pytest.raises(ValueError, match="first set has no cloud"):
        pairwise_chamfer([], [cloud])
    with pytest.raises(ValueError, match="cloud 1 of the second set is empty; leave out"):
        pairwise_chamfer([cloud], [cloud, np.zeros((0, 3))])
    with pytest.raises(ValueError, match=r"has 4 points, 4 of them not finite; (?!.*empty)"):
        pairwise_chamfer([cloud * np.nan], [cloud])
    with pytest.raises(ValueError, match="3-D and the second in 2-D"):
        pairwise_chamfer([cloud], [np.zeros((4, 2))])
    with pytest.raises(ValueError, match=r"cloud 1 of the first set has shape \(4, 2\)"):
        pairwise_chamfer([cloud, np.zeros((4, 2))], [cloud])
    for empty in (np.zeros((0, 3)), np.zeros((3, 0))):
        with pytest.raises(ValueError, match="at least one"):
            coverage(empty)
        with pytest.raises(ValueError, match="at least one"):
            minimum_matching_distance(empty)
    with pytest.raises(ValueError, match="not finite"):
        coverage(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match=r"generated_to_generated has shape \(3, 3\).*\(2, 2\)"):
        nearest_neighbour_accuracy(np.zeros((3, 3)), np.zeros((2, 4)), np.zeros((4, 4)))
