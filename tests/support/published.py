"""Weights of networks that published codes trained."""

from pathlib import Path

import torch
from torch import Tensor

Weights = dict[str, Tensor]


def load_weights(path: Path) -> Weights:
    """Read a state dict, with weight norm's g v / |v| multiplied out."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = {k.removeprefix("module."): v for k, v in state.get("model_state_dict", state).items()}
    for key in [key for key in state if key.endswith("weight_v")]:
        v, g = state.pop(key), state.pop(key[:-1] + "g")
        state[key[:-2]] = g * v / v.norm(dim=1, keepdim=True)
    return state
