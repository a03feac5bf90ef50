"""The aividect API: ``/api/v1/*``."""
