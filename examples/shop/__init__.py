"""A small shop: what the chart of an order needs from the world."""
