"""The page of one's own API keys."""
