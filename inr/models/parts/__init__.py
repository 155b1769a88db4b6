"""Decoders, latents and poses of shapes that are made of parts."""
