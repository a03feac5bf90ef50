"""The whatanimeisthis API of what was searched: ``/api/anime/rankings`` and ``/api/anime/recent-searches``."""
