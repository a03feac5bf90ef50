"""Today's trace.moe API. So far: stills of a scene."""
