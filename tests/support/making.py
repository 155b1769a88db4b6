"""Small models, latents and stores for tests."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inr.config.compose import compose, register_resolvers
from inr.config.sections import structure
from inr.config.validate import decoder_entry
from inr.data.batch import BatchSpec
from inr.data.layout import Layout, write_npz
from inr.data.open_store import open_store
from inr.data.prepare import Recipe
from inr.data.solid import Soups
from inr.data.store import SampleStore
from inr.models.inr import INR
from inr.models.latents import Latents
from inr.models.mlp import MLP
from inr.models.parts.latents import PartLatents
from inr.models.parts.mlp import PartMLP
from inr.models.parts.poses import constrain, identity_pose
from inr.training.settings import Train

register_resolvers()
CPU = torch.device("cpu")
DRAWS = BatchSpec(
    samples=64, sign_balanced=True, surface=32, space=32, space_near=0.5, space_std=0.05
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw_normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def make_latents(num_shapes: int = 4, dim: int = 6, *, seed: int = 0, **changes) -> Latents:
    """Latents of the shapes s0, s1, ..."""
    settings = {"max_norm": None, "spherical": False, "pretrained": None, "trainable": True}
    return Latents(
        names=[f"s{number}" for number in range(num_shapes)],
        dim=dim,
        generator=torch.Generator().manual_seed(seed),
        **{**settings, **changes},
    )


def make_mlp(*, dim: int = 2, latent_dim: int = 4, out_dim: int = 1, **changes) -> MLP:
    """A small smooth network; what is not said is as in conf/model/deepsdf.yaml."""
    settings = decoder_entry(compose(["model=deepsdf"])["model"])
    settings |= {
        "hidden_dim": 16,
        "num_layers": 2,
        "skip_layers": [],
        "activation": nn.Softplus(beta=30),
        "weight_norm": False,
    }
    del settings["_target_"]
    return MLP(dim=dim, latent_dim=latent_dim, out_dim=out_dim, **{**settings, **changes})


def make_part_mlp(*, dim: int, latent_dim: int = 4, out_dim: int = 1, **changes) -> PartMLP:
    """A small smooth network of three parts; what is not said is as in conf/model/partsdf.yaml."""
    settings = decoder_entry(compose(["model=partsdf", "latent=parts"])["model"])
    settings |= {
        "num_parts": 3,
        "hidden_dim": 16,
        "num_layers": 2,
        "activation": nn.Softplus(beta=30),
        "weight_norm": False,
        "part_conv": False,
    }
    del settings["_target_"]
    return PartMLP(dim=dim, latent_dim=latent_dim, out_dim=out_dim, **{**settings, **changes})


def draw_part_poses(num_shapes: int, *, dim: int, num_parts: int = 3) -> dict[str, Tensor]:
    """Proper poses of the shapes s0, s1, ..., a bit off the box's frame."""
    generator = torch.Generator().manual_seed(2)
    pose = identity_pose(num_shapes, num_parts, dim=dim)
    pose[..., :-1] += 0.2 * torch.randn(pose[..., :-1].shape, generator=generator)
    return {f"s{number}": row for number, row in enumerate(constrain(pose, dim))}


def make_part_latents(
    num_shapes: int = 4, latent_dim: int = 4, *, dim: int, seed: int = 0, **changes
) -> PartLatents:
    """Latents and poses of the three parts of the shapes s0, s1, ..."""
    settings = {"num_parts": 3, "max_norm": None, "pretrained": None, "trainable": True}
    return PartLatents(
        names=[f"s{number}" for number in range(num_shapes)],
        dim=latent_dim,
        space_dim=dim,
        generator=torch.Generator().manual_seed(seed),
        **{**settings, "train_poses": False, "poses": None, **changes},
    )


def make_model(decoder: nn.Module, latents: Latents, output: str = "sdf") -> INR:
    return INR(decoder, latents, output=output)


def recipe(**changes) -> Recipe:
    """What a shape is prepared with, at a tiny size."""
    settings = {
        "dim": 3,
        "kind": "solid",
        "sign": "winding",
        "soups": Soups(gap=0.03, thickness=0.02),
        "repair": False,
        "normalize": "box",
        "extent": 0.9,
        "near_counts": [300, 200],
        "near_variances": [0.005, 0.0005],
        "num_uniform": 400,
        "num_surface": 250,
        "edge_fraction": 0.0,
        "dtype": "float32",
        "seed": 0,
        "primitive": "cuboid",
        "device": "cpu",
        "formats": {},
    }
    return Recipe(**{**settings, **changes})


def write_discs(root: Path, radii: dict[str, float], num_samples: int = 400) -> Layout:
    """Samples and surface points of discs around the origin."""
    layout = Layout(root)
    for name, radius in radii.items():
        rng = np.random.default_rng(1)
        points = rng.uniform(-1, 1, (num_samples, 2))
        distance = np.linalg.norm(points, axis=1, keepdims=True) - radius
        samples = np.concatenate([points, distance], axis=1)
        outside = distance[:, 0] >= 0
        write_npz(layout.samples(name), pos=samples[outside], neg=samples[~outside])
        angle = rng.uniform(0, 2 * np.pi, num_samples)
        normals = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        write_npz(layout.surface(name), all=np.concatenate([radius * normals, normals], axis=1))
    return layout


def open_discs(root: Path, radii: dict[str, float], needs: tuple[str, ...] = ("signed",)):
    layout = write_discs(root, radii)
    return open_signed(layout, list(radii), needs=needs)


def open_signed(
    layout: Layout, names: list[str], *, dim: int = 2, needs: tuple[str, ...] = ("signed",)
) -> SampleStore:
    return open_store(
        layout,
        names,
        dim=dim,
        num_channels=1,
        needs=frozenset(needs),
        device=CPU,
        dtype="float32",
        fallback=layout.root / "elsewhere",
    )


def saved_sizes(function) -> list[int]:
    """Return the sizes of the tensors that autograd keeps of a call."""
    sizes = []

    def note(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        function()
    return sizes


def train_settings(**changes) -> Train:
    """Settings of a few steps on two discs; what is not said is as in conf/config.yaml."""
    small = {
        "epochs": 6,
        "shapes_per_batch": 1,
        "samples_per_shape": DRAWS.samples,
        "sign_balanced": DRAWS.sign_balanced,
        "surface_per_shape": DRAWS.surface,
        "space_per_shape": DRAWS.space,
        "space_near": DRAWS.space_near,
        "space_std": DRAWS.space_std,
        "log_every": 1,
        "validate_every": 0,
        "render_every": 0,
        "checkpoint_every": 0,
        "checkpoint_epochs": [],
        "keep_checkpoints": 99,
        "best_metric": "valid/loss",
        "best_mode": "min",
    }
    return structure(Train, {**compose([])["train"], **small, **changes})
