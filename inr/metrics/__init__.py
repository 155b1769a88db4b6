"""Metrics of reconstructed shapes, and evaluation protocols."""
