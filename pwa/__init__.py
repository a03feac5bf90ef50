"""The site as an app of a phone: its manifest, the page for when it cannot be reached, and what is shared to it."""
