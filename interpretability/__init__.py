"""Explanations of predictions. Empty for now: README.md states the folder's contract."""
