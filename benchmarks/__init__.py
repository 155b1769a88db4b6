"""Benchmarks: python -m benchmarks.<name> prints ratios measured in one run."""
