"""How the site is doing: what is indexed, how quick searches are, what waits, and since when it answers."""
