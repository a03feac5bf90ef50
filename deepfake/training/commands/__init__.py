"""One module a sub-command: parse what was told, do the step, say what came of it."""
