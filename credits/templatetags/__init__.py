"""Pieces of the pages of credits."""
