"""The Quality page: what the gate measures, and why its thresholds are where they are."""
