"""Lesions over time: the list of them, one of them, and its place in a case."""
