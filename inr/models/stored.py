"""The format of checkpoints, for all that read one."""

from typing import Any

FORMAT = 2


def migrate(content: Any) -> Any:
    """Return a checkpoint's content in today's format; whatever is no checkpoint as it is.

    Format 1 called the decoder body and latents codes, also among the optimizer's groups, and the
    convolutions over parts exchanges.
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
