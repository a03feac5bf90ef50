"""What may go wrong in a way that whoever runs the training can do something about."""

from __future__ import annotations


class TrainingError(Exception):
    """A step cannot be done; the text says why."""
