"""The dashboard: pages, the JSON API, and their commands. See README.md beside this file."""
