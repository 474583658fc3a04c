"""From an attribution map to a picture. Arrays in, image out; needs no torch."""
