import re
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.data.layout import Layout
from inr.data.prepare.recipe import Recipe
from inr.data.prepare.shape import prepare_shape
from inr.shapes.composite import Composite, without_parts
from inr.shapes.mesh import Mesh, read_mesh, write_mesh
from inr.shapes.normalize import Normalization
from inr.shapes.poses import Poses
from tests.support.making import recipe
from tests.support.meshes import distance_to_box

CENTRE = np.array([5.0, -3.0, 2.0])
SIZE = np.array([1.0, 2.0, 3.0])
HALF = 0.9 * SIZE / SIZE.max()  # of the box once normalised


def box(size=SIZE, centre=CENTRE) -> Mesh:
    made = trimesh.creation.box(size)
    return Mesh(np.asarray(made.vertices) + centre, np.asarray(made.faces, np.int64))


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "source" / "box.ply"
    write_mesh(box(), path)
    return path


def load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def check_samples(layout: Layout, name: str, half: np.ndarray, settings: Recipe) -> None:
    dim = len(half)
    for path, count in (
        (layout.samples(name), sum(settings.near_counts) + settings.num_uniform),
        (layout.uniform(name), settings.num_uniform),
    ):
        arrays = load(path)
        assert set(arrays) == {"pos", "neg"}
        assert len(arrays["pos"]) + len(arrays["neg"]) == count
        for side, array in arrays.items():
            assert array.dtype == np.float32 and array.shape[1] == dim + 1
            ground_truth = distance_to_box(array[:, :-1].astype(float), half)
            np.testing.assert_allclose(array[:, -1], ground_truth, atol=1e-6)
            assert ((array[:, -1] >= 0) == (side == "pos")).all()
    uniform = np.concatenate(list(load(layout.uniform(name)).values()))[:, :-1]
    assert np.abs(uniform).max() <= 1 and np.abs(uniform).max(axis=0).min() > 0.95
    surface = load(layout.surface(name))["all"]
    assert surface.shape == (settings.num_surface, 2 * dim)
    points, normals = surface[:, :dim].astype(float), surface[:, dim:].astype(float)
    np.testing.assert_allclose(distance_to_box(points, half), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(distance_to_box(points + 0.01 * normals, half), 0.01, atol=1e-6)


def test_a_box_and_its_files(tmp_path, source):
    layout, settings = Layout(tmp_path / "data"), recipe()
    record = prepare_shape("box", source, layout.root, settings)
    assert (record["status"], record["reason"], record["closed"]) == ("ok", "", True)
    assert (record["vertices"], record["faces"], record["source"]) == (8, 12, str(source))
    assert record["volume"] == pytest.approx(8 * HALF.prod(), rel=1e-6)
    assert record["positive"] + record["negative"] == 900
    mesh = read_mesh(layout.mesh("box"))
    np.testing.assert_allclose(mesh.bounds, [-HALF, HALF], atol=1e-6)
    native = Normalization.load(layout.normalization("box")).undo_mesh(mesh)
    np.testing.assert_allclose(native.vertices, box().vertices, atol=1e-5)
    assert (native.faces == box().faces).all()
    check_samples(layout, "box", HALF, settings)
    assert layout.names() == ["box"]
    files = sorted(p.relative_to(layout.root).as_posix() for p in layout.root.rglob("*.*"))
    assert files == [
        "meshes/box.ply",
        "normalization/box.npz",
        "samples/box/deepsdf.npz",
        "samples/box/surface.npz",
        "samples/box/uniform.npz",
    ]


def test_noise_has_the_variances_asked_for(tmp_path, source):
    layout = Layout(tmp_path / "data")
    for variance in (0.005, 0.0005):
        settings = recipe(near_counts=[4000], near_variances=[variance], num_uniform=0)
        prepare_shape("box", source, layout.root, settings)
        distance = np.concatenate(list(load(layout.samples("box")).values()))[:, -1]
        # away from the edges the distance is the noise along the normal
        assert np.square(distance.astype(float)).mean() == pytest.approx(variance, rel=0.15)


def test_without_normalization_the_frame_is_kept(tmp_path):
    path = tmp_path / "box.ply"
    write_mesh(box(np.array([0.4, 0.6, 0.8]), np.zeros(3)), path)
    layout, settings = Layout(tmp_path / "data"), recipe(normalize="none")
    prepare_shape("box", path, layout.root, settings)
    check_samples(layout, "box", np.array([0.2, 0.3, 0.4]), settings)
    stored = Normalization.load(layout.normalization("box"))
    assert stored.scale == 1 and (stored.translation == 0).all()


class Rectangles:
    """A family in 2-D."""

    def names(self) -> list[str]:
        return ["rectangle"]

    def make(self, name: str) -> Composite:
        corners = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 1.0], [0.0, 1.0]])
        return without_parts(Mesh(corners, np.array([[0, 1], [1, 2], [2, 3], [3, 0]])))


def test_a_family_in_two_dimensions(tmp_path):
    layout, settings = Layout(tmp_path), recipe()
    record = prepare_shape("rectangle", Rectangles(), tmp_path, settings)
    assert record["status"] == "ok" and "source" not in record
    assert layout.mesh("rectangle").suffix == ".npz"
    check_samples(layout, "rectangle", np.array([0.9, 0.225]), settings)


class Pairs:
    """A family of two boxes, one above the other, and a part that is absent."""

    def names(self) -> list[str]:
        return ["pair"]

    def make(self, name: str) -> Composite:
        lower, upper = box(SIZE, np.zeros(3)), box(SIZE, np.array([0.0, 0.0, 3.5]))
        whole = Mesh(
            np.concatenate([lower.vertices, upper.vertices]),
            np.concatenate([lower.faces, upper.faces + len(lower.vertices)]),
        )
        translations = np.array([[0, 0, 0], [0, 0, 3.5], [0, 0, 0.0]])
        scales = np.array([SIZE / 2, SIZE / 2, np.ones(3)])
        quaternions = np.tile([1.0, 0, 0, 0], (3, 1))
        present = np.array([True, True, False])
        poses = Poses(quaternions, translations, scales, present)
        return Composite(whole, [lower, upper, None], poses)


def test_parts_and_their_poses(tmp_path):
    prepare_shape("pair", Pairs(), tmp_path, recipe())
    folder = tmp_path / "parts"
    assert sorted(p.name for p in (folder / "meshes" / "pair").iterdir()) == [
        "part0.ply",
        "part1.ply",
    ]
    parameters = folder / "parameters" / "pair"
    quaternions, translations, scales = (
        np.load(parameters / f"{n}.npy") for n in ("quaternions", "translations", "scales")
    )
    np.testing.assert_allclose(np.abs(quaternions[:, 0]), 1)
    for i in range(2):  # a pose takes the cube [-1, 1]^3 to the part: scale, then translation
        bounds = read_mesh(folder / "meshes" / "pair" / f"part{i}.ply").bounds
        np.testing.assert_allclose(
            bounds, [translations[i] - scales[i], translations[i] + scales[i]]
        )


def test_samples_depend_on_name_and_seed_alone(tmp_path, source):
    def samples(root: str, names: list[str], seed: int = 0) -> dict[str, np.ndarray]:
        for name in names:
            prepare_shape(name, source, tmp_path / root, recipe(seed=seed))
        return {n: load(Layout(tmp_path / root).samples(n))["pos"] for n in names}

    first, second = samples("one", ["a", "b", "c"]), samples("two", ["c", "a"])
    for name in ("a", "c"):
        assert np.array_equal(first[name], second[name])
    assert not np.array_equal(first["a"][:50], first["b"][:50])
    assert not np.array_equal(first["a"][:50], samples("three", ["a"], seed=1)["a"][:50])


def spoiled(folder: Path, how: str) -> Path:
    path = folder / "bad.ply"
    mesh = box()
    if how == "no faces":
        path = folder / "bad.obj"
        path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    elif how == "nan":
        path = folder / "bad.obj"
        path.write_text(
            "v nan 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 4 2\nf 1 3 4\nf 2 4 3\n"
        )
    elif how == "truncated":
        write_mesh(mesh, path)
        path.write_bytes(path.read_bytes()[:-40])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "a triangle":
        write_mesh(Mesh(mesh.vertices, mesh.faces[:1]), path)
    elif how == "a point":
        write_mesh(Mesh(mesh.vertices * 0, mesh.faces), path)
    elif how == "another format":
        path.write_text("not a mesh")
    return path


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("no faces", "no face|cannot read"),
        ("nan", "not finite"),
        ("truncated", "cannot read"),
        ("empty", "cannot read"),
        ("a triangle", "no sample lies inside"),
        ("a point", "extent"),
        ("another format", "cannot read"),
    ],
)
def test_what_is_refused_has_a_reason_and_leaves_nothing(tmp_path, how, reason):
    path = spoiled(tmp_path, how)
    root = tmp_path / "data"
    record = prepare_shape("bad", path, root, recipe())
    assert record["status"] == "refused" and record["source"] == str(path)
    assert re.search(reason, record["reason"]), record["reason"]
    assert not root.exists() or not [p for p in root.rglob("*") if p.is_file()]


def test_a_box_inside_out_is_turned(tmp_path, source):
    mesh = read_mesh(source)
    path = tmp_path / "turned.ply"
    write_mesh(Mesh(mesh.vertices, mesh.faces[:, ::-1]), path)
    layout = Layout(tmp_path / "data")
    record = prepare_shape("turned", path, layout.root, recipe())
    assert record["status"] == "ok" and record["changes"] == ["turned faces outward"]
    check_samples(layout, "turned", HALF, recipe())
    assert record["self_check"]["sign_agreement"] == 1.0 and record["ambiguous"] == 0.0


def test_distances_without_sign(tmp_path, source):
    layout, settings = Layout(tmp_path / "data"), recipe(sign="unsigned")
    record = prepare_shape("box", source, layout.root, settings)
    assert record["status"] == "ok" and record["self_check"]["sign_agreement"] is None
    samples = load(layout.unsigned("box"))["all"]
    ground_truth = np.abs(distance_to_box(samples[:, :-1].astype(float), HALF))
    np.testing.assert_allclose(samples[:, -1], ground_truth, atol=1e-6)
    assert not layout.samples("box").exists()


def test_normalised_to_a_sphere(tmp_path, source):
    layout = Layout(tmp_path / "data")
    prepare_shape("box", source, layout.root, recipe(normalize="sphere", extent=0.8))
    vertices = read_mesh(layout.mesh("box")).vertices
    np.testing.assert_allclose(np.linalg.norm(vertices, axis=1), 0.8, atol=1e-6)


def test_half_precision_rounds_points_before_their_distance_is_taken(tmp_path, source):
    layout, settings = Layout(tmp_path / "data"), recipe(dtype="float16")
    prepare_shape("box", source, layout.root, settings)
    for array in load(layout.samples("box")).values():
        assert array.dtype == np.float16
        ground_truth = distance_to_box(array[:, :-1].astype(float), HALF)
        np.testing.assert_allclose(array[:, -1], ground_truth, rtol=2**-11, atol=1e-7)


def test_repair_says_what_it_changed(tmp_path, source):
    mesh = read_mesh(source)
    path = tmp_path / "doubled.ply"
    write_mesh(Mesh(mesh.vertices, np.concatenate([mesh.faces, mesh.faces[:3]])), path)
    layout = Layout(tmp_path / "data")
    record = prepare_shape("doubled", path, layout.root, recipe(repair=True))
    assert record["faces"] == 15 and record["duplicate_faces"] == 3  # as it was given
    assert any("duplicate" in change for change in record["changes"])
    assert len(read_mesh(layout.mesh("doubled")).faces) == 12
    check_samples(layout, "doubled", HALF, recipe())


def test_a_fraction_of_the_samples_lies_along_edges(tmp_path, source):
    layout = Layout(tmp_path / "data")
    counts = {"near_counts": [1000], "near_variances": [1e-8], "num_uniform": 100}
    prepare_shape("box", source, layout.root, recipe(edge_fraction=0.4, **counts))
    points = np.concatenate(list(load(layout.samples("box")).values()))[:, :-1].astype(float)
    on_edge = (np.abs(np.abs(points) - HALF) < 1e-3).sum(axis=1) >= 2
    assert 0.39 < on_edge.sum() / 1000 < 0.43
