"""Measurements: python -m benchmarks.<name> prints ratios taken in one run."""
