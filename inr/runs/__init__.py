"""The run directory, what is finished in it, and opening a trained run."""
