"""stage=prepare: make a data set from a folder of shapes."""
