"""From an evaluated run to a checkpoint with a card that the dashboard offers."""
