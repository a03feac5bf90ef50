"""Pages of what was searched: rankings, recent searches, and a title of them."""
