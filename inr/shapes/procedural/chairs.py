"""Procedural family of chairs with parts, y up and facing +z."""

from dataclasses import dataclass

import manifold3d
import numpy as np
from scipy.spatial.transform import Rotation

from inr.seeding import seed_from_name
from inr.shapes.composite import Composite
from inr.shapes.mesh import Floats, Ints, Mesh
from inr.shapes.poses import absent_poses, rotations_of

PART_NAMES = (
    "seat",
    "back",
    "leg_front_left",
    "leg_front_right",
    "leg_back_left",
    "leg_back_right",
    "arm_left",
    "arm_right",
)
_CELLS = 8
_SEAT_HALF = 0.10
_BACK_HALF = 0.09
_ARM_HALF = 0.075


@dataclass(frozen=True)
class Proportions:
    """Parameters of a chair; lengths are in units of about half the height.

    Args:
        width: half width of the seat, 0.46 to 0.60.
        depth: half depth of the seat, 0.44 to 0.56.
        leg_length: length of the legs, 0.65 to 0.95.
        leg_radius: half thickness of a leg at the seat, 0.095 to 0.13.
        leg_taper: ratio of a leg's thickness at the foot to that at the seat, 0.7 to 1.
        splay: angle of the legs to the vertical, radians, 0 to 0.2.
        back_height: height of the back above the seat, 0.75 to 1.1.
        tilt: backward tilt of the back, radians, 0 to 0.3.
        curve: forward curvature of the back's sides, relative to its half width, 0 to 0.35.
        squareness: exponent s of the superellipses that outline seat and back, 3 to 8; that of the
            arms is (s + 1) / 2.
        has_arms: whether there are arms.
        arm_height: height of the arms above the seat, relative to that of the back, 0.35 to 0.5.
    """

    width: float
    depth: float
    leg_length: float
    leg_radius: float
    leg_taper: float
    splay: float
    back_height: float
    tilt: float
    curve: float
    squareness: float
    has_arms: bool
    arm_height: float


def draw_proportions(rng: np.random.Generator) -> Proportions:
    """Draw each proportion uniformly in its range, and arms with probability 1/2."""
    return Proportions(
        width=rng.uniform(0.46, 0.60),
        depth=rng.uniform(0.44, 0.56),
        leg_length=rng.uniform(0.65, 0.95),
        leg_radius=rng.uniform(0.095, 0.13),
        leg_taper=rng.uniform(0.7, 1.0),
        splay=rng.uniform(0.0, 0.2),
        back_height=rng.uniform(0.75, 1.1),
        tilt=rng.uniform(0.0, 0.3),
        curve=rng.uniform(0.0, 0.35),
        squareness=rng.uniform(3.0, 8.0),
        has_arms=bool(rng.random() < 0.5),
        arm_height=rng.uniform(0.35, 0.5),
    )


class Chairs:
    """Family of chairs; each depends only on its name and the seed.

    Args:
        num_shapes: number of shapes.
        seed: seed of the family.
    """

    def __init__(self, *, num_shapes: int, seed: int = 0) -> None:
        if num_shapes < 0:
            raise ValueError(f"num_shapes is {num_shapes}; it must not be negative")
        self._names = [f"chair_{i:04d}" for i in range(num_shapes)]
        self._seed = seed

    def names(self) -> list[str]:
        """Return the shapes' names."""
        return list(self._names)

    def make(self, name: str) -> Composite:
        """Return a chair with its parts in the order of PART_NAMES; arms may be absent.

        Raises:
            ValueError: if the family has no such shape.
        """
        if name not in self._names:
            raise ValueError(f"no shape '{name}' among the {len(self._names)}; see names()")
        return build_chair(draw_proportions(seed_from_name(name, self._seed)))


@dataclass(frozen=True)
class _Part:
    canonical: Mesh
    rotation: Rotation
    translation: Floats
    scale: Floats


def build_chair(chair: Proportions) -> Composite:
    """Return the chair of these proportions, in its native frame."""
    posed: list[_Part | None] = [_seat(chair), _back(chair)]
    posed += [_leg(chair, x, z) for z in (1, -1) for x in (-1, 1)]
    posed += [_arm(chair, x) if chair.has_arms else None for x in (-1, 1)]
    parts: list[Mesh | None] = []
    poses = absent_poses(len(posed), 3)
    for i, part in enumerate(posed):
        if part is None:
            parts.append(None)
            continue
        part = _fill_unit_box(part)
        vertices = part.rotation.apply(part.canonical.vertices * part.scale) + part.translation
        parts.append(Mesh(vertices, part.canonical.faces))
        poses.rotations[i] = rotations_of(part.rotation.as_matrix()[None])
        poses.translations[i], poses.scales[i] = part.translation, part.scale
        poses.present[i] = True
    whole = unite([part for part in parts if part is not None])
    return Composite(whole, parts, poses)


def unite(meshes: list[Mesh]) -> Mesh:
    """Return the watertight union of closed meshes without self-intersections.

    Raises:
        ValueError: if a mesh is not a closed manifold.
    """
    solids = []
    for mesh in meshes:
        solid = manifold3d.Manifold(
            manifold3d.Mesh64(mesh.vertices.astype(np.float64), mesh.faces.astype(np.uint64))
        )
        if solid.status() != manifold3d.Error.NoError:
            raise ValueError(f"a mesh to unite is not a closed manifold: {solid.status()}")
        solids.append(solid)
    whole = manifold3d.Manifold.batch_boolean(solids, manifold3d.OpType.Add).to_mesh64()
    return Mesh(
        np.array(whole.vert_properties[:, :3], dtype=np.float64),
        np.array(whole.tri_verts, dtype=np.int64),
    )


def _fill_unit_box(part: _Part) -> _Part:
    # bending moves a part out of its canonical box: absorb the new bounds into the pose
    lower, upper = part.canonical.bounds
    centre, half = (lower + upper) / 2, (upper - lower) / 2
    canonical = Mesh((part.canonical.vertices - centre) / half, part.canonical.faces)
    translation = part.translation + part.rotation.apply(part.scale * centre)
    return _Part(canonical, part.rotation, translation, part.scale * half)


def _seat(chair: Proportions) -> _Part:
    vertices, faces = _cube_sphere()
    vertices = _round(vertices, plane=(0, 2), outline=chair.squareness, edge=4.0)
    # dished: the centre of the seat is lower than its rim
    vertices[:, 1] -= 0.25 * (1 - vertices[:, 0] ** 2) * (1 - vertices[:, 2] ** 2)
    scale = np.array([chair.width, _SEAT_HALF, chair.depth])
    return _Part(Mesh(vertices, faces), Rotation.identity(), np.zeros(3), scale)


def _back(chair: Proportions) -> _Part:
    vertices, faces = _cube_sphere()
    vertices = _round(vertices, plane=(0, 1), outline=chair.squareness, edge=4.0)
    half_height = (chair.back_height + _SEAT_HALF) / 2
    half_width = 0.94 * chair.width
    bend = chair.curve * half_width / _BACK_HALF
    vertices[:, 2] += bend * (vertices[:, 0] ** 2 - 0.3)
    rotation = Rotation.from_euler("x", -chair.tilt)
    # hinged where the back meets the seat
    foot = np.array([0.0, -0.5 * _SEAT_HALF, -chair.depth + _BACK_HALF])
    translation = foot + rotation.apply([0.0, half_height, 0.0])
    return _Part(
        Mesh(vertices, faces),
        rotation,
        translation,
        np.array([half_width, half_height, _BACK_HALF]),
    )


def _leg(chair: Proportions, side: int, front: int) -> _Part:
    vertices, faces = _cube_sphere()
    vertices = _round(vertices, plane=(0, 2), outline=4.0, edge=10.0)
    # 1 at the top, leg_taper at the foot
    width = chair.leg_taper + (1 - chair.leg_taper) * (vertices[:, 1] + 1) / 2
    vertices[:, [0, 2]] *= width[:, None]
    half_length = (chair.leg_length / np.cos(chair.splay) + _SEAT_HALF) / 2
    rotation = Rotation.from_rotvec(chair.splay * np.array([-front, 0.0, side]) / np.sqrt(2))
    inset = 0.67
    top = np.array([side * inset * chair.width, 0.0, front * inset * chair.depth])
    translation = top + rotation.apply([0.0, -half_length, 0.0])
    scale = np.array([chair.leg_radius, half_length, chair.leg_radius])
    return _Part(Mesh(vertices, faces), rotation, translation, scale)


def _arm(chair: Proportions, side: int) -> _Part:
    height = chair.arm_height * chair.back_height
    # the back's sides lean to the rear and come forward
    rear = -chair.depth + _BACK_HALF - np.tan(chair.tilt) * height + 0.4 * chair.curve * chair.width
    front = 0.55 * chair.depth
    scale = np.array([_ARM_HALF, height / 2, (front - rear) / 2])
    vertices, faces = _cube_sphere()
    vertices = _round(vertices, plane=(0, 1), outline=4.0, edge=6.0)
    # swept along a quarter of a superellipse: from the back forward, then down to the seat
    angle = (vertices[:, 2] + 1) * np.pi / 4
    power = 2 / (0.5 + 0.5 * chair.squareness)
    centre = np.stack([np.cos(angle) ** power, np.sin(angle) ** power], axis=1)
    thickness = _ARM_HALF / scale[1:]
    radial = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    vertices[:, 1:] = (2 - thickness) * centre - 1 + thickness * vertices[:, 1:2] * radial
    translation = np.array([side * 0.84 * chair.width, scale[1], rear + scale[2]])
    return _Part(Mesh(vertices, faces), Rotation.identity(), translation, scale)


def _round(cube: Floats, plane: tuple[int, int], outline: float, edge: float) -> Floats:
    """Pull a cube's surface onto (|a|^outline + |b|^outline)^(edge/outline) + |c|^edge = 1."""
    a, b = plane
    c = 3 - a - b
    size = np.abs(cube)
    across = (size[:, a] ** outline + size[:, b] ** outline) ** (edge / outline)
    rounded: Floats = cube / ((across + size[:, c] ** edge) ** (1 / edge))[:, None]
    return rounded


def _cube_sphere() -> tuple[Floats, Ints]:
    """Return a triangulated surface of [-1, 1]^3, denser towards the edges."""
    index = np.arange(_CELLS + 1)
    u, v = np.meshgrid(index[:-1], index[:-1], indexing="ij")
    around = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    quad = np.stack([u, v], axis=-1).reshape(-1, 1, 2) + around
    corners = []
    for axis in range(3):
        for level in (0, _CELLS):
            face = np.insert(quad, axis, level, axis=2)
            # dropping the middle axis leaves (x, z), whose normal is -y
            flipped = (level == 0) != (axis == 1)
            corners.append(face[:, ::-1] if flipped else face)
    lattice = np.concatenate(corners)
    _, first, inverse = np.unique(
        lattice.reshape(-1, 3), axis=0, return_index=True, return_inverse=True
    )
    quads = inverse.reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    where = lattice.reshape(-1, 3)[first] / _CELLS
    return np.sin(np.pi * (where - 0.5)), faces.astype(np.int64)
