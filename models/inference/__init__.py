"""The classifier as it is served: decoded images in, calibrated probabilities out. Never torch."""
