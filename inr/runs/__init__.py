"""The run directory, records of finished shapes, and opening a trained run."""
