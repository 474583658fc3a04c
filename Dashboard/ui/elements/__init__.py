"""Small things that all pages are drawn with."""
