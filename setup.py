"""What pyproject.toml cannot say: packages are found, and conf/ is shipped as inr/conf."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["inr", "inr.*"]), "inr.conf"],
    package_dir={"inr.conf": "conf"},
)
