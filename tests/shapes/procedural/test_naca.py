import numpy as np
import pytest

from inr.shapes.procedural.naca import Naca, naca4


def _half_thickness(x, last: float):
    return 0.2969 * np.sqrt(x) - 0.1260 * x - 0.3516 * x**2 + 0.2843 * x**3 - last * x**4


@pytest.mark.parametrize("closed", [True, False])
def test_symmetric_ordinates_are_the_formula(closed):
    mesh = naca4(0.0, 0.0, 0.12, 50, closed)
    x, y = mesh.vertices.T
    expected = 5 * 0.12 * _half_thickness(x, 0.1036 if closed else 0.1015)
    np.testing.assert_allclose(np.abs(y), expected, atol=1e-12)
    assert len(mesh.vertices) == (98 if closed else 99)
    assert (x.min(), x.max()) == (0, 1)


def test_ordinates_match_the_report():
    # report 460, NACA 0012: ordinate in % of the chord at 30 % and 60 %
    mesh = naca4(0.0, 0.0, 0.12, 2001, closed_trailing_edge=False)
    upper = mesh.vertices[:2001][::-1]
    at = np.interp([0.3, 0.6, 1.0], upper[:, 0], upper[:, 1])
    np.testing.assert_allclose(100 * at, [6.002, 4.563, 0.126], atol=1e-3)


@pytest.mark.parametrize("closed", [True, False])
def test_area_is_the_integral(closed):
    last = 0.1036 if closed else 0.1015
    integral = 0.2969 / 1.5 - 0.1260 / 2 - 0.3516 / 3 + 0.2843 / 4 - last / 5
    mesh = naca4(0.0, 0.0, 0.12, 400, closed)
    assert mesh.is_closed()
    # positive, so anticlockwise
    assert mesh.volume() == pytest.approx(2 * 5 * 0.12 * integral, rel=1e-4)


def test_camber_moves_the_mean_line_to_its_height():
    mesh = naca4(0.04, 0.4, 0.12, 401)
    upper, lower = mesh.vertices[:401][::-1], mesh.vertices[400:]
    lower = np.concatenate([lower, mesh.vertices[:1]])
    mean = (upper + lower) / 2
    assert mean[:, 1].max() == pytest.approx(0.04, abs=1e-6)
    assert mean[mean[:, 1].argmax(), 0] == pytest.approx(0.4, abs=5e-3)
    # thickness stands at right angles to the mean line, and is the symmetric one
    across, along = upper - lower, np.gradient(mean, axis=0)
    cosine = (across * along).sum(axis=1)[5:-5] / np.linalg.norm(along[5:-5], axis=1)
    np.testing.assert_allclose(cosine, 0, atol=1e-4)
    np.testing.assert_allclose(
        np.linalg.norm(across, axis=1), 2 * 0.6 * _half_thickness(mean[:, 0], 0.1036), atol=1e-12
    )


@pytest.mark.parametrize(
    "arguments", [(0.0, 0.0, 0.0, 50), (0.02, 0.0, 0.12, 50), (-0.1, 0.4, 0.12, 50), (0, 0, 0.1, 2)]
)
def test_what_is_no_airfoil_is_refused(arguments):
    with pytest.raises(ValueError, match=r"must|needs"):
        naca4(*arguments)


def test_the_family_is_unique_and_grows():
    small, large = Naca(num_shapes=10, seed=3), Naca(num_shapes=500, seed=3)
    assert small.names() == large.names()[:10]
    assert len(set(large.names())) == 500
    assert small.names() != Naca(num_shapes=10, seed=4).names()
    with pytest.raises(ValueError, match="at most 527"):
        Naca(num_shapes=528)


def test_names_are_the_digits():
    family = Naca(num_shapes=527, num_points=60)
    shape = family.make("naca_2412")
    np.testing.assert_array_equal(shape.mesh.vertices, naca4(0.02, 0.4, 0.12, 60).vertices)
    assert shape.parts == [] and shape.poses is None
    assert "naca_0012" in family.names()
    for name in family.names():
        mesh = family.make(name).mesh
        assert mesh.is_closed() and mesh.volume() > 0
    with pytest.raises(ValueError, match="naca_9912"):
        family.make("naca_9912")
