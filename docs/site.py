"""Pages of the site that lie outside docs/: the README as its start, the changelog."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
# as links are written in the README, and on the site
MOVED = {
    "](docs/": "](",
    "](CHANGELOG.md": "](changelog.md",
    "[CITATION.cff](CITATION.cff)": "CITATION.cff",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README and the changelog to the files of the site."""
    for source, page in (("README.md", "index.md"), ("CHANGELOG.md", "changelog.md")):
        content = (ROOT / source).read_text(encoding="utf-8")
        for written, moved in MOVED.items():
            content = content.replace(written, moved)
        files.append(File.generated(config, page, content=content))
    return files
