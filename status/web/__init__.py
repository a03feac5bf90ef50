"""The status page, and the same figures for programs."""
