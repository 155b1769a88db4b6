"""Geometry on numpy arrays: meshes, signed distance, sampling, extraction, procedural shapes."""
