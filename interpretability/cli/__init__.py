"""The commands of `python -m interpretability`."""
