"""The pages: a folder each with its layout and callbacks."""
