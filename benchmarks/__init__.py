"""Benchmarks: `python -m benchmarks.<name>` prints speeds relative to a reference."""
