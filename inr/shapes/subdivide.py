"""Subdivision of faces that are longer than a length."""

import numpy as np

from inr.shapes.mesh import Ints, Mesh


def subdivide(mesh: Mesh, longest: float) -> tuple[Mesh, Ints]:
    """Halve the longest edges of faces until none is longer than `longest`.

    The surface stays where it is; neighbouring faces may be divided differently.

    Returns:
        The mesh, and for each of its faces the index of the face that it is a part of.

    Raises:
        ValueError: if `longest` is not positive.
    """
    if not longest > 0:
        raise ValueError(f"longest is {longest}; it must be positive")
    vertices, faces, parent = mesh.vertices, mesh.faces, np.arange(len(mesh.faces))
    small, origin = [faces[:0]], [parent[:0]]
    while len(faces):
        corners = vertices[faces]
        length = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
        big = length.max(axis=1) > longest
        small.append(faces[~big])
        origin.append(parent[~big])
        faces, parent, length = faces[big], parent[big], length[big]
        row, first = np.arange(len(faces)), length.argmax(axis=1)
        start, end = faces[row, first], faces[row, (first + 1) % mesh.dim]
        middle = len(vertices) + row
        vertices = np.concatenate([vertices, (vertices[start] + vertices[end]) / 2])
        halves = []
        for end_to_move in (end, start):
            half = faces.copy()
            half[half == end_to_move[:, None]] = np.repeat(
                middle, (half == end_to_move[:, None]).sum(axis=1)
            )
            halves.append(half)
        faces, parent = np.concatenate(halves), np.concatenate([parent, parent])
    return Mesh(vertices, np.concatenate(small)), np.concatenate(origin)
