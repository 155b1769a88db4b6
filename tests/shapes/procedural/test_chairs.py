from dataclasses import fields, replace

import manifold3d
import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from inr.seeding import seed_from_name
from inr.shapes.mesh import Mesh
from inr.shapes.normalize import Normalization, fit_box
from inr.shapes.procedural.chairs import (
    PART_NAMES,
    Chairs,
    build_chair,
    draw_proportions,
    unite,
)
from inr.shapes.sdf import is_inside
from inr.shapes.solids.winding import winding_number


@pytest.fixture(scope="module")
def chairs():
    family = Chairs(num_shapes=12, seed=0)
    return [family.make(name) for name in family.names()]


def _present(chair):
    return [part for part in chair.parts if part is not None]


def _cube(x: float) -> Mesh:
    mesh = trimesh.creation.box((1.0, 1.0, 1.0))
    return Mesh(np.asarray(mesh.vertices) + np.array([x, 0, 0]), np.asarray(mesh.faces, np.int64))


def test_meshes_are_closed_and_face_outward(chairs):
    for chair in chairs:
        for mesh in [chair.mesh, *_present(chair)]:
            assert mesh.is_closed()
            assert mesh.volume() > 0


def test_parts_do_not_cross_themselves(chairs):
    rng = np.random.default_rng(0)
    for part in _present(chairs[0]) + _present(chairs[2]):
        winding = winding_number(part, rng.uniform(*part.bounds, size=(2000, 3)), exact=True)
        np.testing.assert_allclose(winding, np.round(winding), atol=1e-6)
        assert set(np.round(winding)) == {0, 1}


def test_the_whole_is_the_union_in_one_piece(chairs):
    rng = np.random.default_rng(0)
    for chair in chairs[:4]:
        points = rng.uniform(*chair.mesh.bounds, size=(20000, 3))
        by_parts = np.any([is_inside(part, points) for part in _present(chair)], axis=0)
        assert (is_inside(chair.mesh, points) != by_parts).mean() < 1e-4
        solid = manifold3d.Manifold(
            manifold3d.Mesh64(chair.mesh.vertices, chair.mesh.faces.astype(np.uint64))
        )
        assert len(solid.decompose()) == 1
        estimate = by_parts.mean() * np.prod(np.diff(chair.mesh.bounds, axis=0))
        assert chair.mesh.volume() == pytest.approx(estimate, rel=0.06)
        total = sum(part.volume() for part in _present(chair))
        assert 0.85 * total < chair.mesh.volume() < 0.99 * total  # they overlap, slightly


def test_poses_bring_parts_to_a_unit_canonical_box(chairs):
    for chair in chairs:
        for i, part in enumerate(chair.parts):
            if part is None:
                np.testing.assert_array_equal(chair.poses.rotations[i], [1, 0, 0, 0])
                np.testing.assert_array_equal(chair.poses.translations[i], 0)
                np.testing.assert_array_equal(chair.poses.scales[i], 1)
                continue
            rotation = Rotation.from_quat(np.roll(chair.poses.rotations[i], -1)).as_matrix()
            canonical = (
                (part.vertices - chair.poses.translations[i]) @ rotation / chair.poses.scales[i]
            )
            np.testing.assert_allclose(canonical.max(axis=0), 1, atol=1e-9)
            np.testing.assert_allclose(canonical.min(axis=0), -1, atol=1e-9)


def test_normalised_moves_meshes_and_poses_together(chairs):
    rotation = Rotation.from_rotvec([0.2, 0.4, -0.3]).as_matrix()
    for chair in (chairs[0], next(chair for chair in chairs if None in chair.parts)):
        for normalization in (
            fit_box(chair.mesh),
            Normalization(np.array([1.0, 2.0, 3.0]), rotation, 0.5),
        ):
            moved = chair.normalised(normalization)
            np.testing.assert_allclose(
                moved.mesh.vertices, normalization.apply(chair.mesh.vertices)
            )
            for i, part in enumerate(chair.parts):
                if part is None:
                    assert moved.parts[i] is None
                    assert (moved.poses.scales[i] == 1).all() and (
                        moved.poses.translations[i] == 0
                    ).all()
                    continue
                before = Rotation.from_quat(np.roll(chair.poses.rotations[i], -1))
                after = Rotation.from_quat(np.roll(moved.poses.rotations[i], -1))
                canonical = before.inv().apply(part.vertices - chair.poses.translations[i])
                canonical /= chair.poses.scales[i]
                np.testing.assert_allclose(
                    after.apply(canonical * moved.poses.scales[i]) + moved.poses.translations[i],
                    moved.parts[i].vertices,
                    atol=1e-12,
                )


def test_every_chair_names_the_same_parts_and_only_arms_are_optional(chairs):
    with_arms = 0
    for chair in chairs:
        assert len(chair.parts) == len(PART_NAMES) == 8
        assert all(part is not None for part in chair.parts[:6])
        assert (chair.parts[6] is None) == (chair.parts[7] is None)
        with_arms += chair.parts[6] is not None
    assert 0 < with_arms < len(chairs)


def test_chairs_stand_upright_and_mirror(chairs):
    for chair in chairs:
        seat, back, *legs = (part.vertices.mean(axis=0) for part in chair.parts[:6])
        assert back[1] > seat[1] > max(leg[1] for leg in legs)
        assert back[2] < seat[2]
        lower, upper = chair.mesh.bounds
        assert lower[0] == pytest.approx(-upper[0], abs=1e-6)


def test_nothing_is_thin(chairs):
    for chair in chairs:
        half_extent = np.diff(chair.mesh.bounds, axis=0).max() / 2
        assert chair.poses.scales.min() > 0.06 * half_extent
        for leg in chair.parts[2:6]:
            foot = leg.vertices[leg.vertices[:, 1] < leg.bounds[0, 1] + 0.2]
            assert (np.ptp(foot, axis=0)[[0, 2]] > 0.12 * half_extent).all()


def test_a_chair_depends_on_name_and_seed_alone():
    few, many = Chairs(num_shapes=2, seed=5), Chairs(num_shapes=50, seed=5)
    assert few.names() == ["chair_0000", "chair_0001"] == many.names()[:2]
    first, second = few.make("chair_0001"), many.make("chair_0001")
    np.testing.assert_array_equal(first.mesh.vertices, second.mesh.vertices)
    np.testing.assert_array_equal(first.mesh.faces, second.mesh.faces)
    other = Chairs(num_shapes=2, seed=6).make("chair_0001")
    assert other.mesh.bounds.tolist() != first.mesh.bounds.tolist()
    with pytest.raises(ValueError, match="chair_0002"):
        few.make("chair_0002")


def test_every_proportion_changes_the_shape():
    drawn = draw_proportions(seed_from_name("chair_0000", 0))
    chair = replace(drawn, has_arms=True)
    volume = build_chair(chair).mesh.volume()
    for field in fields(chair):
        value = getattr(chair, field.name)
        changed = replace(
            chair, **{field.name: not value if field.name == "has_arms" else 0.9 * value}
        )
        assert abs(build_chair(changed).mesh.volume() - volume) > 1e-6 * volume, field.name


def test_proportions_are_measures_of_the_parts():
    drawn = draw_proportions(seed_from_name("chair_0000", 0))
    chair = replace(drawn, tilt=0.0, curve=0.0, splay=0.0, leg_taper=1.0, squareness=8.0)
    parts = build_chair(chair).parts
    seat, back, leg = (part.bounds for part in parts[:3])
    np.testing.assert_allclose(seat[1, [0, 2]], [chair.width, chair.depth], atol=1e-9)
    assert back[1, 1] == pytest.approx(chair.back_height, abs=0.06)
    assert leg[0, 1] == pytest.approx(-chair.leg_length, abs=0.11)
    assert np.ptp(leg[:, 0]) == pytest.approx(2 * chair.leg_radius, rel=0.02)
    curved = build_chair(replace(chair, curve=0.3)).parts[1]
    # the sides come forward, and nothing moves sideways or up
    forward = curved.vertices - parts[1].vertices
    assert np.ptp(forward[:, 2]) == pytest.approx(0.3 * back[1, 0])
    assert np.abs(forward[:, :2]).max() < 1e-9
    tilted = build_chair(replace(chair, tilt=0.2)).parts[1]
    centred = (each.vertices - each.vertices.mean(axis=0) for each in (tilted, parts[1]))
    turn, misfit = Rotation.align_vectors(*centred)
    assert misfit < 1e-9
    # towards -z at the top
    np.testing.assert_allclose(turn.as_rotvec(), [-0.2, 0, 0], atol=1e-9)


def test_unite_two_cubes():
    assert unite([_cube(0.0), _cube(0.5)]).volume() == pytest.approx(1.5)
    open_cube = Mesh(_cube(0.0).vertices, _cube(0.0).faces[1:])
    with pytest.raises(ValueError, match="manifold"):
        unite([open_cube, _cube(0.5)])
