"""Names of shapes: listed in files, and made from the paths of files."""
