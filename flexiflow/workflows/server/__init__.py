"""Serve durable workflows over HTTP, and let workers run them."""
