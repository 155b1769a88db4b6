"""Parts of shapes in a data set: their sources, poses and labels."""
