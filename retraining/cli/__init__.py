"""The commands of `python -m retraining`, one module per subject; each parses, calls and prints."""
