"""The Compare page: a few pictures side by side."""
