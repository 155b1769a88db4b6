"""stage=prepare: normalise shapes, draw samples, assign splits, and write the data set."""
