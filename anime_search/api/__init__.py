"""API surfaces, a folder a dialect. They share services, and know nothing of each other."""
