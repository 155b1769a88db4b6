"""The fit loop, checkpoints, and what is logged."""
