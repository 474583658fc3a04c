"""Taxonomy, backbones, checkpoints, export and the classifier at inference."""
