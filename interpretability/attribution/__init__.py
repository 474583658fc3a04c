"""From an image and a checkpoint to an attribution map."""
