"""Every command in the README, at a tiny size, in the order that a reader meets them."""

import re
import shlex
from pathlib import Path

import pytest
import trimesh

from inr.stages.compose import group_choices
from tests.cli import TINY, inr

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)[3:]
    for block in re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line.startswith("python -m inr")
]
FAMILY = ("data.family.num_shapes=3", "experiment=quickstart")
LATER = ("device=", "logger=", "reconstruct.", "eval.", "renderer.")


def tiny(command: list[str]) -> list[str]:
    """Return settings that make a README command small without changing what it says."""
    if "--help" in command or "--cfg" in command:
        return []
    if "stage=reconstruct" in command or "stage=evaluate" in command:
        return [setting for setting in TINY if setting.startswith(LATER)]
    settings = [setting for setting in TINY if setting not in FAMILY]
    if "data=meshes" not in command:
        settings.append("data.family.num_shapes=3")
    said = [argument.partition("=")[0] for argument in command]
    return [s for s in [*settings, "data.splits.valid=0"] if s.partition("=")[0] not in said]


def test_every_command_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_meshes").mkdir()
    for number in range(3):
        box = trimesh.creation.box((1, 1, 0.3 + 0.1 * number))
        box.export(tmp_path / "my_meshes" / f"box_{number}.stl")
    assert len(COMMANDS) >= 10
    assert "@@" not in README
    for command in COMMANDS:
        assert inr(monkeypatch, *command, *tiny(command)) == 0, command


def test_the_table_of_groups_is_complete() -> None:
    for group, choices in group_choices().items():
        (row,) = re.findall(rf"^\| `{re.escape(group)}` \| (.*?) \|", README, flags=re.MULTILINE)
        assert sorted(re.findall(r"`(.*?)`", row)) == choices, group
