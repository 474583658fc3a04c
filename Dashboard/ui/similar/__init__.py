"""Proven cases that look like a picture, in its case."""
