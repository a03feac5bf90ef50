"""The scene search itself: pure Python and numpy, without Django, network, clock or global state."""
