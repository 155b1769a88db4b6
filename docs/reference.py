"""The table of settings in docs/configuration.md, from the schema: python docs/reference.py."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from inr.config.compose import compose, register_resolvers
from inr.config.schema import Config
from inr.settings import AtLeast, Range, Setting, get_path, settings_of

PAGE = Path(__file__).parent / "configuration.md"
BEGIN = "<!-- settings: written by docs/reference.py -->\n"
END = "<!-- end of settings -->"
# a choice of these is one object, or several, whose settings its YAML shows
GROUPS = ("model", "latent", "loss", "logger")


def main() -> None:
    """Write the table into the page."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def with_table(page: str) -> str:
    """Return the page with a table that is up to date."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + "\n" + "\n".join(table()) + "\n\n" + END + rest.partition(END)[2]


def table() -> Iterator[str]:
    """Yield the lines of the tables, one for each section of the schema."""
    register_resolvers()
    defaults = compose([])
    every = settings_of(Config)
    settings = [one for one in every if not is_dataclass(one.type) and one.key not in GROUPS]
    section = None
    for setting in sorted(settings, key=lambda one: one.key.rpartition(".")[0]):
        above = setting.key.rpartition(".")[0]
        if above != section:
            if section is not None:
                yield ""
            yield f"### {f'`{above}`' if above else 'Top level'}\n"
            yield "| setting | default | values | meaning |\n|---|---|---|---|"
            section = above
        yield row(setting, get_path(defaults, setting.key))


def row(setting: Setting, default: Any) -> str:
    """Return the line of one setting."""
    cells = [f"`{setting.key}`", written(default), values(setting), setting.doc]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def values(setting: Setting) -> str:
    """Return the allowed values of a setting."""
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    kind = setting.type.__name__ if isinstance(setting.type, type) else str(setting.type)
    words = {"None": "null", "typing.": "", "str": "text", "Any": ""}
    if "dict" in kind:  # of a _target_, or several
        words, kind = {}, "objects" if setting.key in ("loss", "eval.metrics") else "an object"
    for word, written_as in words.items():
        kind = kind.replace(word, written_as)
    ranges = [note for note in setting.notes if isinstance(note, Range)]
    return ", ".join([kind, *(in_words(one) for one in ranges)])


def in_words(bounds: Range) -> str:
    """Return a range in words."""
    if isinstance(bounds, AtLeast):
        return f"at least {bounds.bound}"
    return (type(bounds).__doc__ or "").rstrip(".").lower()


def written(value: Any) -> str:
    """Return a value as it is typed on the command line; of an object its class."""
    if isinstance(value, dict):
        return f"`{value['_target_'].rpartition('.')[2]}`" if "_target_" in value else ""
    return f"`{plain(value)}`"


def plain(value: Any) -> str:
    """Return a number, a word or a list as YAML writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return "[" + ",".join(plain(one) for one in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
