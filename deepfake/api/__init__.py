"""Public APIs of the detector, one folder a dialect."""
