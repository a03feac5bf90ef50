"""Pages of credits: what one has, what was used, what there is to buy."""
