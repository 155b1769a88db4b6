"""Data sets on disk and the samples that training draws from them."""
