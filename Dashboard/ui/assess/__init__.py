"""The Assess page: images in, a result each."""
