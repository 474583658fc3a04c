"""Checkpoints on disk: the card, the weights, ensembles."""
