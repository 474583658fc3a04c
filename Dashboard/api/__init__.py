"""The JSON API: bodies, routes, answers."""
