"""Readers of files, found by a table of suffixes."""
