"""Training runs: settings, network, batches, the loop, and the run folder they leave."""
