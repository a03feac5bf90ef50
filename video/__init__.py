"""Reading video files that nobody vouches for; what both features stand on. No Django, network, clock or settings."""
