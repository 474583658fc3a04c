"""Explanations on request: what may be asked for, the jobs that make them, the maps they give."""
