"""Signed distances to triangle meshes by NVIDIA Warp, on a GPU or, for tests, on the CPU.

Warp is optional (`pip install 'inr[warp]'`) and imported here alone, at the first call.
"""

# Warp reads the annotations of its kernels, which are no types of Python's
# mypy: disable-error-code="valid-type,name-defined"

import ctypes
import sys
from functools import lru_cache
from importlib import import_module
from typing import Any, no_type_check

import numpy as np

from inr.shapes import sdf
from inr.shapes.mesh import Floats, Mesh
from inr.shapes.sdf import SignedDistances, check_sign
from inr.shapes.solids.winding import (
    RECOMPUTE_MARGIN,
    ambiguity,
    check_points,
    deciding_winding_number,
)

# points per kernel launch
_CHUNK = 1 << 22
# closer to the surface than this, in mesh extents, winding numbers in float32 are unreliable
_NEAR = 2e-5
# with more pairs of a face and a doubtful point than this, the tree on the CPU is faster
_PAIRS = 1 << 32
# Warp ignores triangles whose double area is below 1e-6 of the sum of their squared sides
_SLIVER = 2e-6


def signed_distance(
    mesh: Mesh, points: Floats, sign: str = "winding", *, device: str = "cuda"
) -> Floats:
    """Return the distance of each point to the surface, negative inside, computed by Warp.

    Same result as `inr.shapes.sdf.signed_distance`, where the guarantees are stated. The nearest
    face is found in float32 and the distance to it computed in float64, so that distances exceed
    the exact ones by at most a few 1e-7 of the mesh's extent. Winding numbers are fast ones (Barill
    et al. 2018) in float32, recomputed exactly in float64 if within 0.05 of 0.5, or if the distance
    is below 2e-5 of the extent. Pseudonormal signs and 2-D meshes are computed on the CPU.

    Args:
        mesh: mesh in the frame of the points.
        points: (N, D), finite.
        sign: one of `inr.shapes.sdf.SIGNS`.
        device: Warp's name of the device: `cuda`, `cuda:1` or `cpu`.

    Returns:
        (N,) float64, in the units of the mesh.

    Raises:
        ValueError: if Warp is not installed or has no such device, `sign` is unknown, the mesh has
            no faces, or the points are not finite or not (N, D).
    """
    return measure(mesh, points, sign, device=device).distance


def measure(
    mesh: Mesh, points: Floats, sign: str = "winding", *, device: str = "cuda"
) -> SignedDistances:
    """Return the signed distance of each point, and how ambiguous the signs were.

    See `signed_distance` for arguments, guarantees and errors.
    """
    check_sign(sign)
    points = check_points(mesh, points)
    if mesh.dim == 2:
        # outlines have few segments, and Warp supports only triangle meshes
        return sdf.measure(mesh, points, sign)
    wp = _import_warp(device)
    with wp.ScopedDevice(device):
        distance, winding = _query(wp, mesh, points, with_winding=sign == "winding")
    _add_slivers(mesh, points, distance)
    if sign == "unsigned":
        return SignedDistances(distance, None)
    if sign == "pseudonormal":
        behind = np.signbit(sdf.signed_distance(mesh, points, sign))
        return SignedDistances(np.where(behind, -distance, distance), None)
    distance[winding >= 0.5] *= -1
    return SignedDistances(distance, ambiguity(winding))


def _query(wp: Any, mesh: Mesh, points: Floats, with_winding: bool) -> tuple[Floats, Floats]:
    """Return distances and winding numbers (zeros if not requested), (N,) float64 each."""
    lower, upper = mesh.bounds
    # centred, for the precision of float32
    middle = (lower + upper) / 2
    exact = wp.array(mesh.vertices - middle, dtype=wp.vec3d)
    indices = wp.array(mesh.faces.reshape(-1), dtype=wp.int32)
    surface = wp.Mesh(
        points=wp.array(mesh.vertices - middle, dtype=wp.vec3),
        indices=indices,
        support_winding_number=with_winding,
    )
    ask, wind = _kernels()
    distance, winding = np.empty(len(points)), np.zeros(len(points))
    for start in range(0, len(points), _CHUNK):
        part = wp.array(points[start : start + _CHUNK] - middle, dtype=wp.vec3d)
        found = wp.empty(len(part), dtype=wp.float64)
        around = wp.zeros(len(part), dtype=wp.float32)
        wp.launch(
            ask,
            dim=len(part),
            inputs=[surface.id, exact, part, with_winding],
            outputs=[found, around],
        )
        distance[start : start + _CHUNK] = found.numpy()
        winding[start : start + _CHUNK] = around.numpy()
    is_near = distance < _NEAR * (upper - lower).max()
    is_near |= np.abs(winding - 0.5) < RECOMPUTE_MARGIN
    doubtful = np.flatnonzero(is_near & with_winding)
    if len(doubtful) * len(mesh.faces) > _PAIRS:
        winding[doubtful] = deciding_winding_number(mesh, points[doubtful])
    elif len(doubtful):
        part = wp.array(points[doubtful] - middle, dtype=wp.vec3d)
        again = wp.empty(len(part), dtype=wp.float64)
        wp.launch(wind, dim=len(part), inputs=[exact, indices, part], outputs=[again])
        winding[doubtful] = again.numpy()
    return distance, winding


def _add_slivers(mesh: Mesh, points: Floats, distance: Floats) -> None:
    """Lower distances (N,) in place, accounting for the triangles that Warp ignores."""
    corners = mesh.corners()
    sides = ((corners - np.roll(corners, 1, axis=1)) ** 2).sum(axis=(1, 2))
    is_sliver = 2 * mesh.face_areas() <= _SLIVER * sides
    if not is_sliver.any():
        return
    slivers = Mesh(mesh.vertices, mesh.faces[is_sliver])
    lower, upper = slivers.bounds
    away = np.linalg.norm(points - points.clip(lower, upper), axis=1)
    near = away < distance
    if near.any():
        distance[near] = np.minimum(distance[near], sdf.unsigned_distance(slivers, points[near]))


def check_device(device: str) -> None:
    """Check that distances can be computed on a device.

    Raises:
        ValueError: if Warp is not installed, or finds no such device.
    """
    _import_warp(device)


def _import_warp(device: str) -> Any:
    try:
        wp: Any = import_module("warp")
    except ImportError as error:
        raise ValueError(
            f"prepare.device={device} needs NVIDIA Warp, which is not installed; "
            "pip install 'inr[warp]', or prepare.device=cpu"
        ) from error
    elsewhere = "prepare.device=cpu works everywhere"
    # without a driver, Warp's library writes to stderr at any log level, so the driver is checked
    # before Warp is initialised
    if device != "cpu" and not _has_driver():
        raise ValueError(
            f"prepare.device={device} is not available: no NVIDIA driver is installed; {elsewhere}"
        )
    wp.config.log_level = max(wp.config.log_level, wp.LOG_WARNING)
    wp.init()
    known = [str(each) for each in wp.get_devices()]
    if device not in known and not (device == "cuda" and wp.is_cuda_available()):
        raise ValueError(
            f"prepare.device={device} is not available; Warp finds {', '.join(known)}: {elsewhere}"
        )
    return wp


def _has_driver() -> bool:
    """Return whether NVIDIA's driver can be loaded, under the names that Warp tries."""
    names = ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so", "libcuda.so.1")
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False


@lru_cache
@no_type_check
def _kernels():
    """Return the kernels (one thread per point); they are compiled once per device."""
    wp = import_module("warp")

    # the native function: Warp's Python API only compares it with a threshold
    @wp.func_native("return mesh_query_winding_number(mesh, point, 2.0f);")
    def winding_number(mesh: wp.uint64, point: wp.vec3) -> wp.float32: ...

    @wp.func
    def segment_distance(point: wp.vec3d, start: wp.vec3d, end: wp.vec3d) -> wp.float64:
        along = end - start
        fraction = wp.dot(point - start, along) / wp.max(wp.dot(along, along), wp.float64(1e-300))
        return wp.length(
            point - start - wp.clamp(fraction, wp.float64(0.0), wp.float64(1.0)) * along
        )

    @wp.func
    def triangle_distance(point: wp.vec3d, a: wp.vec3d, b: wp.vec3d, c: wp.vec3d) -> wp.float64:
        normal = wp.cross(b - a, c - a)
        # sides of the three planes through the edges, perpendicular to the triangle
        ab = wp.dot(wp.cross(normal, b - a), point - a)
        bc = wp.dot(wp.cross(normal, c - b), point - b)
        ca = wp.dot(wp.cross(normal, a - c), point - c)
        if wp.min(ab, wp.min(bc, ca)) >= wp.float64(0.0) and wp.length(normal) > wp.float64(0.0):
            return wp.abs(wp.dot(normal, point - a)) / wp.length(normal)
        sides = wp.min(segment_distance(point, a, b), segment_distance(point, b, c))
        return wp.min(sides, segment_distance(point, c, a))

    @wp.kernel(enable_backward=False, module="unique")
    def ask(
        mesh: wp.uint64,
        vertices: wp.array(dtype=wp.vec3d),
        points: wp.array(dtype=wp.vec3d),
        with_winding: wp.bool,
        distance: wp.array(dtype=wp.float64),
        winding: wp.array(dtype=wp.float32),
    ):
        i = wp.tid()
        point = points[i]
        rounded = wp.vec3(point)
        nearest = wp.mesh_query_point_no_sign(mesh, rounded, 1.0e18)
        distance[i] = wp.float64(wp.inf)
        if nearest.result:
            indices = wp.mesh_get(mesh).indices
            distance[i] = triangle_distance(
                point,
                vertices[indices[3 * nearest.face]],
                vertices[indices[3 * nearest.face + 1]],
                vertices[indices[3 * nearest.face + 2]],
            )
        if with_winding:
            winding[i] = winding_number(mesh, rounded)

    @wp.kernel(enable_backward=False, module="unique")
    def wind(
        vertices: wp.array(dtype=wp.vec3d),
        indices: wp.array(dtype=wp.int32),
        points: wp.array(dtype=wp.vec3d),
        winding: wp.array(dtype=wp.float64),
    ):
        i = wp.tid()
        point = points[i]
        total = wp.float64(0.0)
        for face in range(indices.shape[0] // 3):
            # Van Oosterom and Strackee 1983, "The Solid Angle of a Plane Triangle", eq. 8
            a = vertices[indices[3 * face]] - point
            b = vertices[indices[3 * face + 1]] - point
            c = vertices[indices[3 * face + 2]] - point
            la = wp.length(a)
            lb = wp.length(b)
            lc = wp.length(c)
            below = la * lb * lc + wp.dot(a, b) * lc + wp.dot(b, c) * la + wp.dot(c, a) * lb
            total += wp.atan2(wp.dot(a, wp.cross(b, c)), below)
        winding[i] = total / wp.float64(2.0 * wp.pi)

    return ask, wind
