"""Shaded pictures of 3-D meshes by ray casting on the CPU (Embree)."""

from collections.abc import Sequence

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from inr.render.camera import Camera
from inr.render.grid import message_image
from inr.render.interface import Color, Image, Renderer, check_color, check_dim, check_size
from inr.render.parts import join_meshes
from inr.shapes.mesh import Floats, Ints, Mesh

GAMMA = 2.2
GLOSS = 40.0
RAYS_PER_CHUNK = 2**20
# a corner shared by more faces than this (the hub of a fan) keeps the normal of its face
MAX_FACES_AROUND = 64


class RayCast(Renderer):
    """Renderer of 3-D meshes: key light, light at the camera, sky light and ambient occlusion.

    Both sides of a face are lit. The same input gives the same picture, bit for bit.

    Args:
        size: default width and height of an image in pixels.
        supersampling: rays along each side of a pixel; 1 for no antialiasing.
        eye: position of the camera, box units.
        target: point at the centre of the image.
        up: direction that points upwards in the image, and towards the sky light.
        fov: full field of view, degrees.
        color: default mesh color: red, green and blue in [0, 1].
        background: color of the background: red, green and blue in [0, 1].
        light: position of the key light, box units.
        key: intensity of the key light; at 1 a surface that faces it has its full color.
        headlight: intensity of a light at the camera.
        ambient: intensity of the ambient light, brightest from above.
        gloss: intensity of the specular highlight of the key light.
        occlusion_samples: ambient occlusion rays per camera ray; 0 for no ambient occlusion.
        occlusion_radius: length of those rays, box units.
        crease: edges between faces at a larger angle than this, degrees, stay sharp.
    """

    def __init__(
        self,
        *,
        size: int,
        supersampling: int,
        eye: list[float],
        target: list[float],
        up: list[float],
        fov: float,
        color: list[float],
        background: list[float],
        light: list[float],
        key: float,
        headlight: float,
        ambient: float,
        gloss: float,
        occlusion_samples: int,
        occlusion_radius: float,
        crease: float,
    ) -> None:
        if supersampling < 1:
            raise ValueError(f"supersampling is {supersampling}; give 1 for none, or more")
        if occlusion_samples < 0:
            raise ValueError(f"occlusion_samples is {occlusion_samples}; give 0 for none, or more")
        # beyond a right angle the sign of the cosine does not give the orientation of a neighbour
        if not 0 <= crease < 90:
            raise ValueError(f"crease is {crease} degrees; give at least 0 and less than 90")
        self.size = check_size(size)
        self.supersampling = supersampling
        self.camera = Camera(_point(eye), _point(target), _point(up), fov)
        self.color = check_color(color)
        self.background = check_color(background)
        self.light = np.array(_point(light))
        self.key = key
        self.headlight = headlight
        self.ambient = ambient
        self.gloss = gloss
        self.occlusion_samples = occlusion_samples
        self.occlusion_radius = occlusion_radius
        self.crease = crease

    def render_parts(
        self, meshes: Sequence[Mesh], colors: Sequence[Color], *, size: int | None = None
    ) -> Image:
        """Draw 3-D meshes; see `Renderer.render_parts`."""
        mesh, owner = join_meshes(meshes)
        palette = np.array([check_color(color) for _, color in zip(meshes, colors, strict=True)])
        check_dim(mesh, 3, other="inr.render.contour.Contour")
        size = check_size(self.size if size is None else size)
        if mesh.is_empty:
            return message_image("empty", size=size, background=self.background)
        surface = (palette**GAMMA)[owner]
        # robust: without it rays slip through the seam between two triangles
        scene = EmbreeScene(robust=True)
        TriangleMesh(scene, mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32))
        step = max(1, RAYS_PER_CHUNK // (size * self.supersampling**2))
        bands = [
            self._render_rows(scene, mesh, surface, size, range(start, min(start + step, size)))
            for start in range(0, size, step)
        ]
        encoded = np.concatenate(bands).clip(0, 1) ** (1 / GAMMA)
        return np.rint(255 * encoded).astype(np.uint8)

    def _render_rows(
        self, scene: EmbreeScene, mesh: Mesh, surface: Floats, size: int, rows: range
    ) -> Floats:
        """Return linear light averaged over each pixel, (len(rows), size, 3)."""
        fine = self.supersampling
        side = size * fine
        y, x = np.mgrid[rows.start * fine : rows.stop * fine, 0:side].reshape(2, -1)
        directions = self.camera.directions((x + 0.5) / side, (y + 0.5) / side)
        origins = np.broadcast_to(np.array(self.camera.eye), directions.shape)
        found = scene.run(_single(origins), _single(directions), output=1)
        hit = np.flatnonzero(found["primID"] >= 0)
        light = np.tile(np.array(self.background) ** GAMMA, (len(directions), 1))
        faces = found["primID"][hit]
        distance, u, v = (found[name][hit, None].astype(np.float64) for name in ("tfar", "u", "v"))
        view = -directions[hit]
        visible, which = np.unique(faces, return_inverse=True)
        areas = mesh.area_vectors()
        flat = _unit(areas[faces])
        corners = corner_normals(mesh, areas, visible, crease=self.crease)[which]
        smooth = (1 - u - v) * corners[:, 0] + u * corners[:, 1] + v * corners[:, 2]
        # a face is lit from whichever side it is seen
        side_seen = np.where(_dot(flat, view) < 0, -1.0, 1.0)
        flat, smooth = flat * side_seen, _unit(smooth * side_seen)
        points = self.camera.eye - view * distance + 1e-4 * flat
        openness = self._openness(scene, points, flat, smooth, x[hit], y[hit])
        light[hit] = self._shade(surface[faces], points, smooth, view, openness)
        pixels: Floats = light.reshape(len(rows), fine, size, fine, 3).mean(axis=(1, 3))
        return pixels

    def _shade(
        self, surface: Floats, points: Floats, normals: Floats, view: Floats, openness: Floats
    ) -> Floats:
        """Return the linear light that each of N points sends to the camera, (N, 3)."""
        to_light = _unit(self.light - points)
        up = _unit(np.array([self.camera.up]))
        sky = 0.65 + 0.35 * _dot(normals, up)
        key = self.key * _dot(normals, to_light).clip(0)
        head = self.headlight * _dot(normals, view).clip(0)
        # occlusion dims the direct lights as well, but less, in place of cast shadows
        diffuse = self.ambient * sky * openness + (key + head) * (0.4 + 0.6 * openness)
        facing = _dot(normals, _unit(to_light + view)).clip(0)
        highlight = self.gloss * openness * np.where(key > 0, facing**GLOSS, 0.0)
        return surface * diffuse + highlight

    def _openness(
        self,
        scene: EmbreeScene,
        points: Floats,
        flat: Floats,
        smooth: Floats,
        x: Ints,
        y: Ints,
    ) -> Floats:
        """Return the fraction of ambient light that reaches each point, (N, 1)."""
        count = self.occlusion_samples
        if count == 0 or len(points) == 0:
            return np.ones((len(points), 1))
        # interleaved gradient noise (Jimenez, SIGGRAPH 2014): neighbours rotate differently
        noise = np.mod(52.9829189 * np.mod(0.06711056 * x + 0.00583715 * y, 1), 1)
        tangent = _unit(np.cross(smooth, np.where(abs(smooth[:, :1]) < 0.7, [1, 0, 0], [0, 1, 0])))
        bitangent = np.cross(smooth, tangent)
        origins = _single(points)
        reach = np.full(len(points), self.occlusion_radius, dtype=np.float32)
        free = np.zeros(len(points))
        for i in range(count):
            # cosine-weighted: uniform on the disc below the hemisphere
            radius = np.sqrt(np.mod((i + noise) / count, 1))[:, None]
            angle = 2 * np.pi * np.mod(i * 0.6180339887 + 7.31 * noise, 1)[:, None]
            rays = (
                radius * np.cos(angle) * tangent
                + radius * np.sin(angle) * bitangent
                + np.sqrt(1 - radius**2) * smooth
            )
            # rays that point below the face itself are mirrored: the face occludes nothing
            rays -= 2 * _dot(rays, flat).clip(max=0) * flat
            free += scene.run(origins, _single(rays), reach, query="OCCLUDED") == -1
        return (free / count)[:, None]


def corner_normals(mesh: Mesh, areas: Floats, faces: Ints, *, crease: float) -> Floats:
    """Return smooth normals: at each corner, the mean over adjacent faces of a similar orientation.

    Args:
        mesh: 3-D mesh; its faces may be oriented inconsistently.
        areas: (F, 3), area vectors of the faces.
        faces: (K,), indices of the faces whose corner normals are computed.
        crease: largest angle of adjacent faces that are averaged, degrees.

    Returns:
        (K, 3, 3), unit normals of the three corners of each face, on the side of the face normal.
    """
    order = np.argsort(mesh.faces, axis=None, kind="stable")
    around = order // 3  # faces, grouped by the vertex that they share
    count = np.bincount(mesh.faces.ravel(), minlength=len(mesh.vertices))
    start = np.cumsum(count) - count

    vertices = mesh.faces[faces].ravel()
    number = np.where(count[vertices] > MAX_FACES_AROUND, 0, count[vertices])
    corner = np.repeat(np.arange(len(vertices)), number)
    rank = np.arange(len(corner)) - np.repeat(np.cumsum(number) - number, number)
    other = around[start[vertices][corner] + rank]

    normals = _unit(areas)
    own = normals[faces][corner // 3]
    cosine = (own * normals[other]).sum(axis=1)
    # the sign flips neighbours of the opposite orientation
    weight = np.where(abs(cosine) >= np.cos(np.radians(crease)), np.sign(cosine), 0.0)
    total = np.stack(
        [np.bincount(corner, weight * areas[other, k], len(vertices)) for k in range(3)],
        axis=1,
    )
    smooth = np.where(total.any(axis=1, keepdims=True), total, np.repeat(areas[faces], 3, axis=0))
    return _unit(smooth).reshape(-1, 3, 3)


def _point(values: list[float]) -> tuple[float, float, float]:
    if len(values) != 3:
        raise ValueError(f"{list(values)} is not a point or direction; give x, y and z")
    return float(values[0]), float(values[1]), float(values[2])


def _single(values: Floats) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = np.einsum("nd,nd->n", a, np.broadcast_to(b, a.shape))
    return product[:, None]


def _unit(vectors: Floats) -> Floats:
    length = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]
    return vectors / np.where(length > 0, length, 1)
