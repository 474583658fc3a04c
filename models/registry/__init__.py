"""Taxonomy, backbones and preprocessing: the tables every list of choices derives from."""
