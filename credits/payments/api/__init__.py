"""``/api/payments``: where the payment provider reports."""
