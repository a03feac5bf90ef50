"""The whatanimeisthis API: ``/api/anime/search``."""
