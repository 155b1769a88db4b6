"""Experiments with implicit neural representations of shapes, in 2-D and 3-D."""

__version__ = "0.1.0"
