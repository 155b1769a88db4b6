"""Soups as collections have them, whose inside is known, are prepared as what they enclose."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inr.data.layout import Layout
from inr.data.prepare.shape import prepare_shape
from tests.support.making import recipe
from tests.support.paths import SHARED

SOUPS = SHARED / "soups"
pytestmark = pytest.mark.skipif(not SOUPS.is_dir(), reason="the maker of soups is not here")
# of sheets, of half shells with buried seats, of slits, of slots and plates
QUICK = ("chair_doubled", "airplane_turned", "car_turned", "comb_doubled")


@pytest.fixture(scope="module")
def soups(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("soups")
    subprocess.run([sys.executable, SOUPS / "make.py", folder], check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def check():
    spec = importlib.util.spec_from_file_location("check", SOUPS / "check.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", QUICK)
def test_none_falls_short(tmp_path, soups, check, name):
    settings = recipe(sign="auto", near_counts=[2000, 2000], num_uniform=1000)
    entry = prepare_shape(name, soups / "soups" / f"{name}.obj", tmp_path, settings)
    assert (entry["status"], entry["sign"]) == ("ok", "outside"), entry
    mesh = Layout(tmp_path).mesh(name)
    found = check.measure(tmp_path, name, np.load(soups / "truth" / f"{name}.npz"), mesh)
    assert all(found[key] <= most for key, most in check.LIMITS.items()), found
    assert all(found[key] >= least for key, least in check.LEAST.items()), found
