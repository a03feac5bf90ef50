"""Both search APIs as their documents say, answered by the real thing."""
