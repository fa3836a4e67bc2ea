"""Understand a component's config: one parse for the loader, explain and notebooks."""
