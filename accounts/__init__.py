"""Users, their tiers, and the principal on whose behalf a service acts."""
