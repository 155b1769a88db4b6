"""Inside and outside of meshes: winding numbers, orientation, checks and repair."""
