"""Data, splits, training, evaluation and promotion of checkpoints."""
