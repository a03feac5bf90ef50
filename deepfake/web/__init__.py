"""Pages of the detector: "Is it real?"."""
