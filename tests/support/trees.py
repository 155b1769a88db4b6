"""The trees of published collections, of tiny boxes, and split files as they are published."""

import json
from pathlib import Path

import trimesh

CHAIRS, TABLES = "03001627", "04379243"


def write_trees(folder: Path) -> None:
    """Write ShapeNetCore.v2, ModelNet10 and hf-objaverse-v1, and splits of the first."""
    files = [
        *(f"ShapeNetCore.v2/{CHAIRS}/{i}/models/model_normalized.obj" for i in "abcd"),
        *(f"ShapeNetCore.v2/{TABLES}/{i}/models/model_normalized.obj" for i in "aef"),
        *(f"ModelNet10/{c}/train/{c}_000{n}.off" for c in ("chair", "night_stand") for n in "12"),
        *(f"ModelNet10/{c}/test/{c}_0003.off" for c in ("chair", "night_stand")),
        *(f"hf-objaverse-v1/glbs/000-02{i}/{str(i) * 32}.glb" for i in range(4)),
    ]
    for number, name in enumerate(files):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        trimesh.creation.box((1, 1 + number / 50, 2 + number / 7)).export(path)
    lists = {"train": ["a", "b", "not_in_this_release"], "test": ["c"]}
    for split, names in lists.items():
        content = {"ShapeNetV2": {CHAIRS: names}}
        (folder / f"sv2_chairs_{split}.json").write_text(json.dumps(content))
    for number, ids in (
        (CHAIRS, {"train": "ab", "test": "c"}),
        (TABLES, {"train": "a", "test": "f"}),
    ):
        for split, names in ids.items():
            path = folder / "occnet" / number / f"{split}.lst"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(names))
