"""How the shipped scene descriptor was made; needs what ``requirements.txt`` names, and nothing that serves needs it."""
