"""Pages of the scene search."""
