"""Families of procedural shapes."""
