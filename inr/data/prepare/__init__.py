"""Prepare one shape: from its source to its files in a data set."""
