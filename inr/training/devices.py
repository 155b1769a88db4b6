"""Choice of the device."""

import torch


def pick_device(device: str) -> torch.device:
    """Return the device of `device=auto|cpu|cuda|cuda:1|mps`.

    Raises:
        ValueError: if this machine has no such device.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device is '{device}'; allowed: auto, cpu, cuda, cuda:1, mps") from error
    available = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }.get(found.type, 0)
    if (found.index or 0) >= available:
        raise ValueError(
            f"device={device}: this machine has {available} devices of type '{found.type}'; "
            "use device=auto"
        )
    return found
