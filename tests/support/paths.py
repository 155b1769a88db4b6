"""Where things lie, seen from any test."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "inr"
CONF = ROOT / "conf"
# real meshes, and files and values that published codes gave; tests of them skip without
SHARED = ROOT.parent / "shared"
GOLDEN = SHARED / "golden"
