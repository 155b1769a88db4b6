import tracemalloc

import igl
import numpy as np
import pytest

from inr.shapes.formats.base import SURFACE
from inr.shapes.formats.table import suffixes
from inr.shapes.mesh import read_mesh
from inr.shapes.solids.repair import repair
from tests.support.broken_files import CASES, write_corpus
from tests.support.writers import as_ply, box, cached, gltf


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


def _named(cases):
    return [pytest.param(case, id=case.file[:24]) for case in cases]


def test_the_corpus_has_every_format_and_no_name_twice():
    assert len({case.file.rpartition(".")[0] for case in CASES}) == len(CASES)
    for suffix in suffixes(SURFACE):
        assert {case.readable for case in CASES if case.file.endswith(suffix)} == {True, False}
    assert all((case.expected == "refused") == bool(case.reason) for case in CASES)


@pytest.mark.parametrize("case", _named(case for case in CASES if not case.readable))
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_read_is_refused_with_the_reason(case, folder, capfd, caplog):
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"\.") as caught:
        read_mesh(folder / case.file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    reason = str(caught.value)
    assert case.reason in reason and case.file in reason
    assert "\n" not in reason and len(reason) < 400 + len(str(folder))
    assert peak < 20e6
    assert capfd.readouterr() == ("", "") and not caplog.records


@pytest.mark.parametrize("case", _named(case for case in CASES if case.readable))
@pytest.mark.filterwarnings("error")
def test_what_can_be_read_has_the_inside_it_should(case, folder, capfd, caplog):
    mesh = read_mesh(folder / case.file)
    if case.needs_repair:
        mesh, notes = repair(mesh)
        assert notes
    assert capfd.readouterr() == ("", "") and not caplog.records
    if case.inside is None:
        assert abs(mesh.volume()) < 1e-12
        return
    lower, upper = mesh.bounds
    size, centre = (upper - lower).max(), (lower + upper) / 2
    # also from further away, lest a piece that is missing go unseen
    reach = np.repeat([0.6, 1.6], 1500)[:, None] * (upper - lower)
    points = centre + np.random.default_rng(0).uniform(-1, 1, size=(3000, 3)) * reach
    # about the middle, lest rounding far from the origin decide
    vertices, x = mesh.vertices - centre, points - centre
    squared = igl.point_mesh_squared_distance(x, vertices, mesh.faces)[0]
    clear = np.sqrt(squared) > 0.01 * size
    inside = igl.winding_number(vertices, mesh.faces, x[clear]) > 0.5
    np.testing.assert_array_equal(inside, case.inside(points[clear]))
    assert 0.01 < inside.mean() < 0.99


def test_a_folder_that_was_moved_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.ply.*No such file"):
        read_mesh(tmp_path / "nowhere.ply")
    (tmp_path / "folder.ply").mkdir()
    with pytest.raises(ValueError, match=r"folder\.ply"):
        read_mesh(tmp_path / "folder.ply")
    with pytest.raises(ValueError, match="too long"):
        read_mesh(tmp_path / ("x" * 300 + ".ply"))


@pytest.mark.parametrize("uri", ["../secret.bin", "{folder}/secret.bin", "a/../../secret.bin"])
def test_no_path_leads_out_of_the_folder(uri, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    gltf(with_buffer=True)(inner / "a.gltf")
    content = (inner / "a_0.bin").read_bytes()
    (tmp_path / "secret.bin").write_bytes(content)
    assert read_mesh(inner / "a.gltf").volume() == pytest.approx(1)
    text = (inner / "a.gltf").read_text()
    text = text.replace("a_0.bin", uri.format(folder=tmp_path))
    (inner / "b.gltf").write_text(text)
    with pytest.raises(ValueError, match="not beside it"):
        read_mesh(inner / "b.gltf")
    for name in ("secret.bin", "../secret.bin"):
        cached({"inner/b.gltf": text.encode(), name: content})(inner / "c.zip")
        with pytest.raises(ValueError, match="not beside it"):
            read_mesh(inner / "c.zip")


def test_a_zip_gives_its_mesh_the_buffers_it_holds(tmp_path):
    gltf(with_buffer=True)(tmp_path / "a.gltf")
    members = {f"deep/{path.name}": path.read_bytes() for path in tmp_path.iterdir()}
    cached(members)(tmp_path / "a.zip")
    assert read_mesh(tmp_path / "a.zip").volume() == pytest.approx(1)
    cached({"../../out.ply": as_ply(box())})(tmp_path / "b.zip")
    before = sorted(tmp_path.parent.iterdir())
    assert read_mesh(tmp_path / "b.zip").volume() == pytest.approx(1)
    assert sorted(tmp_path.parent.iterdir()) == before
