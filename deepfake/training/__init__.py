"""How the shipped detectors were made; needs what ``requirements.txt`` names, and nothing that serves needs it."""
