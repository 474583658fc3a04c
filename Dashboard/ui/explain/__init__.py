"""Explanations on the page: the panel, the heat overlay, the callbacks."""
