"""Meshes to build others of, and the one thing that tests ask of pictures."""

import numpy as np
import trimesh

from inr.shapes.mesh import Mesh


def from_trimesh(mesh: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64))


def icosphere(radius: float, centre=(0.0, 0.0, 0.0), *, subdivisions: int = 4) -> Mesh:
    mesh = from_trimesh(trimesh.creation.icosphere(subdivisions, radius))
    return Mesh(mesh.vertices + centre, mesh.faces)


def square(centre, half) -> Mesh:
    """An outline, anticlockwise; a rectangle if there are two half sides."""
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * half + centre
    return Mesh(corners, np.array([[0, 1], [1, 2], [2, 3], [3, 0]]))


def join(*meshes: Mesh) -> Mesh:
    """Several meshes or outlines as one, nothing of them merged."""
    starts = np.cumsum([0, *[len(mesh.vertices) for mesh in meshes]])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts[:-1], strict=True)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


def inverted(mesh: Mesh) -> Mesh:
    """The same surface with its normals turned inward."""
    return Mesh(mesh.vertices, mesh.faces[:, ::-1])


def distance_to_box(points: np.ndarray, half, centre=0.0) -> np.ndarray:
    """The exact signed distance (N,) to a box, in any dimension."""
    beyond = np.abs(points - centre) - half
    return np.linalg.norm(beyond.clip(min=0), axis=1) + beyond.max(axis=1).clip(max=0)


def covered(image: np.ndarray) -> np.ndarray:
    """Where a picture (H, W, 3) of bytes is not white."""
    return (image != 255).any(axis=2)
