"""Nearest-neighbour indexes over frame descriptors, and their life cycle on disk."""
