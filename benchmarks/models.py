"""Speed of a training step of each decoder; with --shape, its IoU after equal training time.

python -m benchmarks.models
python -m benchmarks.models --shape my_mesh.ply --seconds 60 --set model.hidden_dim=128
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.report import Row, cpu_row, medians, parser, report
from inr.config.compose import compose, group_choices, register_resolvers
from inr.config.instantiate import instantiate
from inr.config.validate import decoder_entry
from inr.training.allocator import keep_freed_memory

# decoders whose cost is dominated by matrix products of the hidden width
DENSE = (
    "deepsdf",
    "latent_modulated",
    "input_modulated",
    "latent_demodulated",
    "siren",
    "latent_modulated_siren",
    "finer",
)
SHAPES, LATENT_DIM, RUNS = 4, 64, 9
measured = partial(cpu_row, runs=RUNS)

# matrix products, and the index of the first matrix among their arguments
PRODUCTS = {
    torch.ops.aten.mm.default: 0,
    torch.ops.aten.bmm.default: 0,
    torch.ops.aten.addmm.default: 1,
    torch.ops.aten.addmm_.default: 1,
    torch.ops.aten.baddbmm.default: 1,
    torch.ops.aten.baddbmm_.default: 1,
}


def main() -> None:
    """Run the benchmark selected on the command line."""
    arguments = parser("models", __doc__)
    arguments.add_argument("--points", type=int, default=4096, help=f"of each of {SHAPES} shapes")
    arguments.add_argument(
        "--widths", type=int, nargs="+", default=[128, 512], help="widths of the hidden layers"
    )
    arguments.add_argument("--models", nargs="+", default=None, help="default: all")
    arguments.add_argument("--shape", type=Path, nargs="+", help="fit these meshes instead")
    arguments.add_argument("--seconds", type=float, default=60.0, help="with --shape, per decoder")
    arguments.add_argument(
        "--rates",
        type=float,
        nargs="+",
        default=[5e-4, 1e-3, 4e-3],
        help="with --shape, learning rates to try for a sixth of the time each; the best is used",
    )
    arguments.add_argument("--set", nargs="+", default=[], help="with --shape, further settings")
    given = arguments.parse_args()
    register_resolvers()
    keep_freed_memory()  # as stage=train does
    models = given.models or group_choices()["model"]
    if given.shape:
        rows = []
        for shape in given.shape:
            rows += fit_for(shape, models, given.seconds, rates=given.rates, settings=given.set)
    else:
        rows = [row for width in given.widths for row in steps(models, width, given.points)]
    report(rows, given.json)


def steps(models: list[str], width: int, points: int) -> list[Row]:
    """Time a float32 training step of each decoder at a width: forward, backward, Adam.

    Dense decoders are compared with their matrix products alone.
    """
    x = torch.rand(SHAPES, points, 3) * 2 - 1
    latents = torch.randn(SHAPES, LATENT_DIM, requires_grad=True)
    rows = []
    for model in models:
        step = Step(model, width, x, latents)
        name = f"{model}, {width} wide"
        if model in DENSE:
            with Products() as products:
                step()
            taken = medians({"step": step, "products": products.repeat}, RUNS)
            ours, reference = (products.flops / taken[key] / 1e9 for key in ("step", "products"))
            rows.append(measured(name, ours, reference, ours / reference, "GFLOP/s"))
        else:
            seconds = medians({"step": step}, RUNS)["step"]
            million = seconds / (SHAPES * points) * 1e6
            rows.append(measured(name, million, None, None, "s per million points"))
    return rows


class Step:
    """One training step of a decoder: forward, backward, Adam.

    Args:
        model: name of the decoder's YAML in conf/model.
        width: width of the hidden layers.
        x: (B, N, D), coordinates of the points.
        latents: (B, L), latents of the shapes.
    """

    def __init__(self, model: str, width: int, x: torch.Tensor, latents: torch.Tensor) -> None:
        entry = decoder_entry(compose([f"model={model}", f"model.hidden_dim={width}"])["model"])
        torch.manual_seed(0)
        self.decoder = instantiate(entry, dim=x.shape[-1], latent_dim=latents.shape[-1], out_dim=1)
        self.optimizer = torch.optim.Adam([*self.decoder.parameters(), latents], lr=1e-4)
        self.x, self.latents = x, latents

    def __call__(self) -> None:
        """Run the step."""
        value = self.decoder(self.x, self.latents)
        loss = value.abs().mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


class Products(TorchDispatchMode):
    """Records all matrix products in its context, to repeat them alone.

    Attributes:
        flops: floating-point operations of all products.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self.pairs: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        """Run an operation; for a product, store random matrices of the same layout."""
        if func in PRODUCTS:
            one, other = (like(given) for given in args[PRODUCTS[func] :][:2])
            self.flops += 2 * one.numel() * other.shape[-1]
            self.pairs.append((one, other, one @ other))
        return func(*args, **(kwargs or {}))

    def repeat(self) -> None:
        """Repeat all products, with preallocated outputs."""
        for one, other, out in self.pairs:
            torch.matmul(one, other, out=out)


def like(given: torch.Tensor) -> torch.Tensor:
    """Return a random matrix with the same shape and strides."""
    return torch.empty_strided(given.shape, given.stride()).normal_()


def fit_for(
    shape: Path, models: list[str], seconds: float, *, rates: list[float], settings: list[str]
) -> list[Row]:
    """Fit one shape with each decoder for a given time, through the command line.

    Shorter runs, one per learning rate, determine the number of steps and the best rate.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        _call(shape, models[0], folder, "stage=prepare")
        for model in models:
            output = _call(shape, model, folder, "stage=train", "train.epochs=1", *settings)
            found = re.search(r"([\d.e-]+) s per step", output)
            assert found is not None, output
            steps = max(10, round(seconds / 6 / float(found[1])))
            tried = {}
            for rate in rates:
                short = ["stage=train", f"train.epochs={steps}", f"optimizer.lr={rate}"]
                _call(shape, model, folder, *short, *settings)
                tried[rate] = _last_loss(folder), _train_seconds(folder) / steps
            rate = min(rates, key=lambda one: tried[one][0])
            steps = max(10, round(seconds / min(step for _, step in tried.values())))
            long = ["stage=train", f"train.epochs={steps}", f"optimizer.lr={rate}"]
            _call(shape, model, folder, *long, *settings)
            taken, iou = _train_seconds(folder), _evaluate(folder)
            name = f"{shape.stem}, {model}, {taken:.0f} s, {steps} steps, rate {rate:g}"
            rows.append(replace(measured(name, iou, None, None, "IoU"), runs=1))
            print(f"{name}: {iou:.4f}", flush=True)
    return rows


def _train_seconds(folder: str) -> float:
    return float(json.loads((_run_of(folder) / "status.json").read_text())["train_seconds"])


def _last_loss(folder: str) -> float:
    lines = (_run_of(folder) / "metrics.jsonl").read_text().splitlines()
    return float(
        next(line["train/loss"] for line in map(json.loads, lines[::-1]) if "train/loss" in line)
    )


def _call(shape: Path, model: str, folder: str, *settings: str) -> str:
    """Run the program on a shape; return its log."""
    command = [sys.executable, "-m", "inr", "experiment=single_shape", "logger=none"]
    command += [f"data.source={shape.resolve()}", f"model={model}", "train.render_every=0"]
    done = subprocess.run([*command, *settings], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stderr


def _evaluate(folder: str) -> float:
    """Return the IoU of the last run."""
    later = [sys.executable, "-m", "inr", "run=latest", "split=train", "logger=none"]
    for stage in ("reconstruct", "evaluate"):
        subprocess.run([*later, f"stage={stage}"], cwd=folder, check=True, capture_output=True)
    (table,) = _run_of(folder).glob("evaluation/*/train/per_shape.csv")
    with table.open() as file:
        (row,) = csv.DictReader(file)
    return float(row["iou"])


def _run_of(folder: str) -> Path:
    run = max(Path(folder).glob("outputs/2*/*/config.yaml"), key=lambda path: path.stat().st_mtime)
    return run.parent


if __name__ == "__main__":
    main()
