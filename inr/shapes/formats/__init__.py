"""File readers, looked up by suffix in a table."""
