"""Pictures of shapes."""
