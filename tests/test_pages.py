"""The pages as text: links, pictures, tables that have to agree with the code, sizes."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from inr import __version__
from inr.config.compose import group_choices
from inr.config.renamed import CHOICES, KEYS
from inr.data.batch import NEEDS
from inr.shapes.formats.table import suffixes
from tests.support.pages import DOCS, pages
from tests.support.paths import ROOT
from tests.test_structure import LAYERS

README = ROOT / "README.md"
PAGES = pages()


def text_of(page: Path) -> str:
    """Return a page without its blocks of code, in which nothing is a link or a heading."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs make them."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), flags=re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in headings]
    return {re.sub(r"\s+", "-", heading) for heading in plain}


def links(page: Path) -> list[str]:
    """Return what a page links to, its pictures included, but for other sites."""
    found = re.findall(r"\]\(([^)\s]+)\)", text_of(page))
    return [link for link in found if not link.startswith("http")]


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    wrong = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](#one) [b](#two) [c](none.md) ![d](none.png)\n```\n[e](no.md)\n```\n"
    )
    assert broken(page) == ["#two", "none.md", "none.png"]


def test_every_page_is_on_the_site_and_every_picture_on_a_page() -> None:
    assert {page for page in PAGES if page.parent == DOCS} == set(DOCS.glob("*.md"))
    shown = {Path(link).name for page in PAGES for link in links(page)}
    assert {path.name for path in DOCS.glob("*.png")} <= shown


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200
    linked = {link.partition("#")[0] for link in links(README)}
    assert {page.relative_to(ROOT).as_posix() for page in PAGES if page != README} <= linked


def test_the_table_of_groups_is_complete() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    for group, choices in group_choices().items():
        (row,) = re.findall(rf"^\| `{re.escape(group)}` \| (.*?) \|", page, flags=re.MULTILINE)
        assert sorted(re.findall(r"`(.*?)`", row)) == choices, group


@pytest.mark.parametrize(
    ("page", "group", "heading"),
    [
        ("models.md", "model", "Decoders"),
        ("models.md", "latent", "Latents"),
        ("losses.md", "loss", "Losses"),
        ("evaluation.md", "eval", "Papers' protocols"),
    ],
)
def test_a_page_describes_every_choice_of_its_group(page: str, group: str, heading: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    section = text.partition(f"# {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", section, flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert named >= set(group_choices()[group]) - {"default"}


@pytest.mark.parametrize(
    ("data", "kind"), [("meshes", "surface"), ("outlines", "outline"), ("points", "points")]
)
def test_the_table_of_files_is_that_of_the_formats(data: str, kind: str) -> None:
    page = (DOCS / "data.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| `{data}` \| (.*) \|$", page, flags=re.MULTILINE)
    assert set(re.findall(r"\.\w+", row)) == set(suffixes(kind))


def test_the_table_of_settings_is_that_of_the_schema() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert page == load(DOCS / "reference.py").with_table(page), "run python docs/reference.py"


def test_the_changelog_names_every_setting_that_was_renamed() -> None:
    rows = re.findall(
        r"^ *\| `(.*)` \| `(.*)` \|$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE
    )
    choices = [
        (f"{group}={old}", f"{group}={new}")
        for group, renamed in CHOICES.items()
        for old, new in renamed.items()
    ]
    assert {*KEYS.items(), *choices} <= set(rows)


def test_the_map_has_the_layers() -> None:
    rows = re.findall(r"^\| \d+ \| (.*) \|$", text_of(DOCS / "architecture.md"), flags=re.M)
    assert [tuple(re.findall(r"`(\w+)`", row)) for row in rows] == [tuple(f) for f in LAYERS]


def test_the_table_of_needs_is_that_of_the_losses() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", text_of(DOCS / "contributing.md"), flags=re.M)
    assert set(NEEDS.items()) <= set(rows)


def test_the_changelog_has_this_version_and_the_citation_is_one() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["version"] == __version__


def test_the_site_builds(tmp_path: Path) -> None:
    from mkdocs import config
    from mkdocs.commands import build

    build.build(config.load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path / "site")))
    for page in PAGES:
        name = {"README": "", "CHANGELOG": "changelog"}.get(page.stem, page.stem)
        assert (tmp_path / "site" / name / "index.html").is_file(), page.name
    assert "docs/quickstart.png" not in (tmp_path / "site" / "index.html").read_text()


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
