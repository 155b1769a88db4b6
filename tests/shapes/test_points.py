import numpy as np
import pytest
import trimesh

from inr.shapes.formats import base
from inr.shapes.formats.table import suffixes
from inr.shapes.points import nearest_distance, read_points


def cloud(dim, num=40):
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(num, dim))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return 2.5 * normals + np.arange(dim), normals


def write(path, table, names="xyz"):
    """Write rows in the format of the suffix; a .ply is text with the columns named."""
    if path.suffix == ".npy":
        np.save(path, table)
        return
    lines = "\n".join(" ".join(repr(float(value)) for value in row) for row in table)
    if path.suffix == ".ply":
        columns = [*names[: len(names)], *(f"n{axis}" for axis in names)][: table.shape[1]]
        properties = "\n".join(f"property double {name}" for name in columns)
        lines = (
            f"ply\nformat ascii 1.0\nelement vertex {len(table)}\n{properties}\nend_header\n{lines}"
        )
    path.write_text(lines + "\n")


@pytest.mark.parametrize("suffix", suffixes(base.POINTS))
@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("with_normals", [False, True])
def test_points_come_back_with_unit_normals(suffix, dim, with_normals, tmp_path):
    points, normals = cloud(dim)
    long = normals * np.linspace(0.1, 9, len(normals))[:, None]
    path = tmp_path / f"cloud{suffix}"
    write(path, np.hstack([points, long]) if with_normals else points, "xyz"[:dim])
    read, directions = read_points(path, dim)
    assert read.dtype == np.float64
    np.testing.assert_allclose(read, points, rtol=1e-12)
    if with_normals:
        np.testing.assert_allclose(directions, normals, atol=1e-12)
    else:
        assert directions is None


def test_ply_of_meshes_and_clouds(tmp_path):
    sphere = trimesh.creation.icosphere(subdivisions=2)
    sphere.export(tmp_path / "mesh.ply", vertex_normal=True)
    points, normals = read_points(tmp_path / "mesh.ply", 3)
    np.testing.assert_allclose(points, sphere.vertices, atol=1e-6)
    np.testing.assert_allclose(normals, sphere.vertices, atol=0.02)
    trimesh.PointCloud(sphere.vertices).export(tmp_path / "bare.ply")
    points, normals = read_points(tmp_path / "bare.ply", 3)
    assert points.shape == sphere.vertices.shape and normals is None
    whole = (tmp_path / "bare.ply").read_bytes()
    (tmp_path / "cut.ply").write_bytes(whole[:-4])
    with pytest.raises(ValueError, match=r"cut\.ply.*it is cut off: its header announces 162"):
        read_points(tmp_path / "cut.ply", 3)
    flat = np.column_stack([sphere.vertices[:, :2], np.zeros(len(points))])
    write(tmp_path / "flat.ply", flat)
    assert read_points(tmp_path / "flat.ply", 2)[0].shape == (len(flat), 2)


@pytest.mark.parametrize("order", ["little", "big"])
def test_binary_ply_of_other_columns(order, tmp_path):
    points, normals = cloud(3)
    mark = "<" if order == "little" else ">"
    names = ("nx", "ny", "nz", "red", "x", "y", "z")
    kinds = [f"{mark}f4"] * 3 + ["u1"] + [f"{mark}f8"] * 3
    table = np.zeros(len(points), dtype=list(zip(names, kinds, strict=True)))
    for column, name in enumerate("xyz"):
        table[name], table[f"n{name}"] = points[:, column], normals[:, column]
    types = ["float"] * 3 + ["uchar"] + ["double"] * 3
    head = [f"ply\nformat binary_{order}_endian 1.0\ncomment a scan\nelement vertex 40"]
    head += [f"property {kind} {name}" for kind, name in zip(types, names, strict=True)]
    head += ["element face 1", "property list uchar int vertex_indices", "end_header\n"]
    path = tmp_path / "cloud.ply"
    path.write_bytes("\n".join(head).encode() + table.tobytes() + b"\x03" + bytes(12))
    read, directions = read_points(path, 3)
    np.testing.assert_array_equal(read, points)
    np.testing.assert_allclose(directions, normals, atol=1e-6)


def test_tables_as_people_write_them(tmp_path):
    points, _ = cloud(3)
    rows = [", ".join(f"{value:.9e}" for value in point) for point in points]
    for head in ("", "x y z\n", "# a scan\n\n", f"{len(points)}\n", "\ufeff"):
        (tmp_path / "a.txt").write_text(head + "\n".join(rows) + "\n\n", encoding="utf-8")
        read, _ = read_points(tmp_path / "a.txt", 3)
        np.testing.assert_allclose(read, points, rtol=1e-8)


def with_value(table, row, column, value):
    changed = table.copy()
    changed[row, column] = value
    return changed


POINTS, NORMALS = cloud(3)
BOTH = np.hstack([POINTS, NORMALS])


@pytest.mark.parametrize("suffix", suffixes(base.POINTS))
@pytest.mark.parametrize(
    ("table", "message"),
    [
        (with_value(POINTS, 6, 1, np.nan), "point 7 has values that are not finite"),
        (with_value(BOTH, 8, 5, np.inf), "point 9 has values that are not finite"),
        (with_value(BOTH, 4, [3, 4, 5], 0), r"normal of point 5 has length zero \(1 such"),
        (POINTS[:15], "15 distinct points; a cloud needs at least 16"),
        (np.repeat(POINTS[:9], 4, axis=0), "9 distinct points"),
        (np.hstack([POINTS, [[255, 0, 9]] * 40]), "colours"),
    ],
    ids=["nan", "inf", "zero normal", "few", "repeated", "colours"],
)
def test_bad_clouds_are_refused(suffix, table, message, tmp_path):
    path = tmp_path / f"bad{suffix}"
    write(path, table)
    with pytest.raises(ValueError, match=rf"bad{suffix}.*{message}"):
        read_points(path, 3)


@pytest.mark.parametrize("suffix", [".xyz", ".npy"])
def test_widths_that_do_not_fit_are_refused(suffix, tmp_path):
    path = tmp_path / f"bad{suffix}"
    write(path, BOTH[:, :5])
    with pytest.raises(ValueError, match=r"\(40, 5\).* 3 columns, or 6 .*data\.dim=3"):
        read_points(path, 3)


def test_other_files_are_refused(tmp_path):
    write(tmp_path / "deep.ply", POINTS)
    with pytest.raises(ValueError, match=r"not flat .* data\.dim=2"):
        read_points(tmp_path / "deep.ply", 2)
    write(tmp_path / "flat.ply", POINTS[:, :2], "xy")
    with pytest.raises(ValueError, match="no z; they have x, y"):
        read_points(tmp_path / "flat.ply", 3)
    (tmp_path / "cut.xyz").write_text("1 2 3\n4 5\n")
    with pytest.raises(ValueError, match="line 2 has 2 numbers where those before have 3"):
        read_points(tmp_path / "cut.xyz", 3)
    (tmp_path / "cut.xyz").write_text("1 2 3\n4 5 six\n")
    with pytest.raises(ValueError, match="line 2, '4 5 six', is not numbers"):
        read_points(tmp_path / "cut.xyz", 3)
    np.save(tmp_path / "words.npy", np.array([["a", "b", "c"]]))
    np.save(tmp_path / "cube.npy", np.zeros((9, 9, 3)))
    for name in ("words.npy", "cube.npy", "cloud.obj", "none.xyz"):
        with pytest.raises(ValueError, match=name):
            read_points(tmp_path / name, 3)
    for suffix in suffixes(base.POINTS):
        for text in ("", "neither points nor numbers"):
            (tmp_path / f"text{suffix}").write_text(text)
            with pytest.raises(ValueError, match=f"text{suffix}"):
                read_points(tmp_path / f"text{suffix}", 3)


@pytest.mark.parametrize("dim", [2, 3])
def test_nearest_distance_is_that_of_brute_force(dim):
    points, _ = cloud(dim)
    queries = np.random.default_rng(1).uniform(-5, 5, (200, dim))
    expected = np.linalg.norm(queries[:, None] - points, axis=2).min(axis=1)
    np.testing.assert_allclose(nearest_distance(points, queries), expected, atol=1e-12)
