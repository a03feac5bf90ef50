"""Selling credits and tiers: offers, the checkout, and what the payment provider reports."""
