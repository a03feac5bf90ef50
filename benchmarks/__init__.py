"""What the project claims about speed, memory and accuracy, measured. See ``docs/benchmarks.md``."""
