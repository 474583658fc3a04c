"""The Models page: the comparison, and a card for every checkpoint."""
