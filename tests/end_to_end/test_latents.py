"""New shapes from latents, latents from what is observed, latents of another run."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.cli import TINY, inr, only_run


def test_sample_draws_and_interpolates(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = only_run(copy)
    small = ["stage=sample", "run=latest", "sample.num_shapes=3", "eval.resolution=24"]
    for prior in ("gaussian", "pca"):
        assert inr(monkeypatch, *small, f"sample.prior={prior}") == 0
        folder = run / "samples" / "epoch_000004" / prior
        assert len(list(folder.glob("latents/*.npy"))) == 3
        assert len(json.loads((folder / "shapes.json").read_text())) == 3
        assert (run / "renders" / f"sample_epoch_000004_{prior}.png").stat().st_size > 0
    capsys.readouterr()
    assert inr(monkeypatch, *small, "sample.prior=pca") == 0
    assert "already" in capsys.readouterr().err
    assert inr(monkeypatch, *small, "sample.prior=pca", "seed=3") == 2
    assert "was made with seed=0, not 3" in capsys.readouterr().err
    fewer = ["sample.prior=pca", "sample.num_shapes=2"]
    assert inr(monkeypatch, *small, *fewer, "overwrite=true") == 0
    assert inr(monkeypatch, *small, *fewer) == 0  # of the three none is left
    assert len(list(folder.glob("latents/*.npy"))) == 2
    one, other = json.loads(next(copy.glob("outputs/datasets/*/splits/train.json")).read_text())
    assert inr(monkeypatch, *small, f"sample.interpolate=[{one},{other}]") == 0
    folder = run / "samples" / "epoch_000004" / f"{one}_to_{other}" / "latents"
    made = [np.load(path) for path in sorted(folder.glob("*.npy"))]
    stored = run / "reconstruction" / "epoch_000004" / "train" / "latents"
    ends = [np.load(stored / f"{name}.npy") for name in (one, other)]
    np.testing.assert_allclose(made[0], ends[0], atol=1e-6)
    np.testing.assert_allclose(made[1], (ends[0] + ends[1]) / 2, atol=1e-6)
    np.testing.assert_allclose(made[2], ends[1], atol=1e-6)
    assert inr(monkeypatch, *small, f"sample.interpolate=[{one},nobody]") == 2
    assert "'nobody', which is not a training shape" in capsys.readouterr().err


def test_latents_fitted_to_what_is_observed(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    later = ["stage=reconstruct", "run=latest", "split=test", "eval.resolution=24"]
    folder = only_run(copy) / "reconstruction" / "epoch_000004" / "test" / "latents"

    def latent() -> np.ndarray:
        return np.load(next(folder.glob("*.npy")))

    latents = [latent()]
    assert inr(monkeypatch, *later, "reconstruct.observe=surface") == 2
    assert "reconstruct.observe=sdf, not surface" in capsys.readouterr().err
    for observed in (["surface"], ["partial"], ["partial", "reconstruct.view=[1.0,0.0,0.0]"]):
        settings = [f"reconstruct.observe={observed[0]}", *observed[1:], "overwrite=true"]
        assert inr(monkeypatch, *later, *settings) == 0
        latents.append(latent())
    wrong = ["reconstruct.observe=partial", "reconstruct.view=[1,0]", "overwrite=true"]
    assert inr(monkeypatch, *later, *wrong) == 2
    assert "with data.dim=3 it has to be a direction of 3 numbers" in capsys.readouterr().err
    for number, one in enumerate(latents):
        assert np.isfinite(one).all()
        assert all(np.abs(one - other).max() > 1e-6 for other in latents[:number])


def test_latents_of_one_run_start_another(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = only_run(copy) / "reconstruction" / "epoch_000004" / "train" / "latents"
    frozen = [f"latent.pretrained={stored}", "latent.trainable=false"]
    assert inr(monkeypatch, "stage=train", *TINY, *frozen) == 0
    for path in copy.glob("outputs/2*/*/checkpoints/last.pt"):
        latents = torch.load(path, weights_only=True)["latents"]
        for name, latent in latents.items():
            np.testing.assert_array_equal(latent.numpy(), np.load(stored / f"{name}.npy"))
    assert inr(monkeypatch, "stage=reconstruct", "run=latest", "split=train", *TINY[-6:-1]) == 0
