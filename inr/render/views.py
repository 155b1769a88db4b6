"""Masks and normals of a mesh from fixed cameras around the box, for image metrics."""

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from inr.metrics.pair import Views
from inr.render.camera import Camera
from inr.render.interface import check_dim
from inr.shapes.mesh import Floats, Ints, Mesh

# the cameras of Talabot et al., PartSDF, 2025; y is up. They are so close that the corners of the
# box may fall outside the image
ELEVATIONS = (-15.0, 15.0)
AZIMUTHS = (45.0, 135.0, 225.0, 315.0)
DISTANCE = 2.0
FOV = 60.0
SIZE = 256


def fixed_cameras() -> list[Camera]:
    """Return the cameras, all looking at the origin."""
    cameras = []
    for elevation in np.radians(ELEVATIONS):
        for azimuth in np.radians(AZIMUTHS):
            horizontal = DISTANCE * np.cos(elevation)
            eye = (
                float(horizontal * np.cos(azimuth)),
                float(DISTANCE * np.sin(elevation)),
                float(horizontal * np.sin(azimuth)),
            )
            cameras.append(Camera(eye, (0.0, 0.0, 0.0), (0.0, 1.0, 0.0), FOV))
    return cameras


def cast_views(mesh: Mesh) -> Views:
    """Return masks and normals of a 3-D mesh from the fixed cameras, one ray per pixel centre.

    Args:
        mesh: mesh in box units; an empty one gives all-False masks.

    Raises:
        ValueError: if the mesh is not 3-D.
    """
    check_dim(mesh, 3, other="inr.render.contour.Contour")
    cameras = fixed_cameras()
    masks = np.zeros((len(cameras), SIZE, SIZE), dtype=bool)
    normals = np.zeros((len(cameras), SIZE, SIZE, 3))
    if mesh.is_empty:
        return Views(masks, normals)
    # robust: without it rays slip through the seam between two triangles
    scene = EmbreeScene(robust=True)
    TriangleMesh(scene, mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32))
    face_normals = mesh.face_normals()
    row, column = (np.mgrid[:SIZE, :SIZE].reshape(2, -1) + 0.5) / SIZE
    for mask, normal, camera in zip(masks, normals, cameras, strict=True):
        directions = camera.directions(column, row)
        face = _first_hits(scene, camera, directions)
        hit = np.flatnonzero(face >= 0)
        seen = face_normals[face[hit]]
        back_facing = np.einsum("nd,nd->n", seen, directions[hit]) > 0
        mask.ravel()[hit] = True
        normal.reshape(-1, 3)[hit] = np.where(back_facing[:, None], -seen, seen)
    return Views(masks, normals)


def _first_hits(scene: EmbreeScene, camera: Camera, directions: Floats) -> Ints:
    """Return the index of the first face that each ray hits, -1 for none."""
    origins = np.tile(np.array(camera.eye, dtype=np.float32), (len(directions), 1))
    faces: Ints = scene.run(origins, np.ascontiguousarray(directions, dtype=np.float32))
    return faces
