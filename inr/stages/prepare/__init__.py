"""stage=prepare: a folder of shapes to a data set."""
