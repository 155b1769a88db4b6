"""The losses without distances find a circle from points on it."""

import pytest
import torch
from torch import nn

from inr.losses import (
    Batch,
    Eikonal,
    HotSpot,
    Losses,
    NormalAlignment,
    OffSurface,
    Samples,
    SignAgnostic,
    SurfaceDistance,
    SurfacePoints,
    TrainProgress,
)
from inr.models.inr import INR

RADIUS = 0.5
CENTER = torch.tensor([0.2, -0.1])


class Sines(nn.Module):
    """A SIREN of two hidden layers with its initialisation, for a low frequency."""

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.frequency = frequency
        self.layers = nn.ModuleList([nn.Linear(2, 48), nn.Linear(48, 48)])
        self.output = nn.Linear(48, 1)
        nn.init.uniform_(self.layers[0].weight, -1 / 2, 1 / 2)
        bound = (6 / 48) ** 0.5 / frequency
        nn.init.uniform_(self.layers[1].weight, -bound, bound)
        nn.init.uniform_(self.output.weight, -bound, bound)

    def forward(self, x, latents):
        for layer in self.layers:
            x = torch.sin(self.frequency * layer(x))
        return self.output(x)


class Ball(nn.Module):
    """A small network that starts out near the distance to a circle about the origin."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, 48), nn.Softplus(20), nn.Linear(48, 48), nn.Softplus(20), nn.Linear(48, 1)
        )
        for layer in (self.layers[0], self.layers[2]):
            nn.init.normal_(layer.weight, std=(2 / 48) ** 0.5)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.layers[4].weight, mean=(torch.pi / 48) ** 0.5, std=1e-4)
        nn.init.constant_(self.layers[4].bias, -0.3)

    def forward(self, x, latents):
        return self.layers(x)


def make_siren() -> Losses:
    return Losses(
        {
            "surface": SurfaceDistance(weight=1500.0),
            "normals": NormalAlignment(weight=50.0, cosine=True),
            "off": OffSurface(weight=50.0, alpha=100.0),
            "eikonal": Eikonal(weight=50.0, where="space", power=1),
        }
    )


def make_igr() -> Losses:
    return Losses(
        {
            "surface": SurfaceDistance(weight=1.0),
            "normals": NormalAlignment(weight=1.0, cosine=False),
            "eikonal": Eikonal(weight=0.1, where="space", power=2),
        }
    )


def make_hotspot() -> Losses:
    return Losses(
        {
            "surface": SurfaceDistance(weight=500.0),
            "eikonal": Eikonal(weight=3.0, where="space", power=1),
            "heat": HotSpot(weight=8.0, absorption=15.0),
        }
    )


def make_sal() -> Losses:
    return Losses({"distance": SignAgnostic(weight=1.0, power=1)})


def draw(generator: torch.Generator) -> Batch:
    angle = torch.rand(256, generator=generator) * 2 * torch.pi
    normals = torch.stack([angle.cos(), angle.sin()], dim=-1)[None]
    space = torch.rand(1, 256, 2, generator=generator) * 2 - 1
    unsigned = ((space - CENTER).norm(dim=-1, keepdim=True) - RADIUS).abs()
    surface = SurfacePoints(CENTER + RADIUS * normals, normals)
    return Batch(Samples(space, unsigned), surface, space)


@pytest.mark.parametrize(
    ("make_losses", "make_decoder", "lr", "tolerance"),
    [
        (make_siren, lambda: Sines(4.0), 2e-3, 0.025),
        (make_igr, Ball, 3e-3, 0.025),
        (make_hotspot, Ball, 3e-3, 0.13),  # its heat holds the slope down until late
        (make_sal, Ball, 3e-3, 0.025),
    ],
    ids=["siren", "igr", "hotspot", "sal"],
)
def test_a_circle_from_points_on_it(make_model, make_losses, make_decoder, lr, tolerance):
    torch.manual_seed(0)
    decoder, losses, steps = make_decoder(), make_losses(), 200
    model = INR(decoder, make_model(None).latents, output="sdf")
    latents, generator = torch.zeros(1, 0), torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(decoder.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def measure() -> tuple[float, float]:
        """Return the mean error of distances near the circle, and the fraction of right signs."""
        axis = torch.linspace(-1, 1, 40)
        points = torch.cartesian_prod(axis, axis)[None]
        distance = (points - CENTER).norm(dim=-1) - RADIUS
        value = model.decode(points, latents).value[..., 0].detach()
        near = distance.abs() < 0.3
        clear = near & (distance.abs() > 0.03)
        right = (value > 0) == (distance > 0)
        return float((value - distance)[near].abs().mean()), float(right[clear].float().mean())

    error, signs = measure()
    assert error > 0.3 and signs < 0.7
    for step in range(steps):
        total, _ = losses(model, draw(generator), latents, TrainProgress(step, steps))
        optimizer.zero_grad()
        total.mean().backward()
        optimizer.step()
        schedule.step()
    error, signs = measure()
    assert error < tolerance and signs == 1
