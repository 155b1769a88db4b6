"""Metrics of reconstructed shapes, and the protocols that name them."""
