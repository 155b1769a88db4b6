"""stage=evaluate: metrics under a named protocol."""
