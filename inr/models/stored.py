"""The format of checkpoints, and the conversion of older ones."""

from typing import Any

FORMAT = 2


def migrate(content: Any) -> Any:
    """Return the content of a checkpoint in the current format; anything else unchanged.

    Format 1 had other names: "body" for the decoder, "codes" for the latents, also in the
    optimizer's groups, and "exchanges" for the convolutions over parts.
    """
    if not isinstance(content, dict) or content.get("format") != 1 or "body" not in content:
        return content
    decoder = {
        name.replace("exchanges.", "part_convs."): tensor
        for name, tensor in content["body"].items()
    }
    groups = [
        {**group, "name": "latents"} if group.get("name") == "codes" else group
        for group in content["optimizer"]["param_groups"]
    ]
    return {
        "format": FORMAT,
        "decoder": decoder,
        "latents": content["codes"],
        "optimizer": {**content["optimizer"], "param_groups": groups},
        "progress": content["progress"],
    }
