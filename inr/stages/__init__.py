"""One module a stage: resolve the configuration, build the objects, loop, write files."""
