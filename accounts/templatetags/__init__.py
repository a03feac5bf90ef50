"""Pieces that templates of all apps show of accounts."""
