"""The old trace.moe API: ``/api/search``, ``/api/me``, ``/thumbnail.php``."""
