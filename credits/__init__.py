"""Metering: rate windows, daily allowances and credits, one path for every product."""
