"""A case: all that is known and said of one assessed picture."""
