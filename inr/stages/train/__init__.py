"""stage=train: samples to a network and latents."""
