"""Today's trace.moe API. So far: stills of a scene, and what a caller has left."""
