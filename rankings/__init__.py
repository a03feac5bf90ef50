"""Search events made into rankings and recent searches."""
