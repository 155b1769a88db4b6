"""Configuration, from the command line to objects: schema, composition, checks, factories."""
