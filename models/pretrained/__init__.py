"""Weights that a network starts from. Needs torch."""
