"""What a model gives on labelled images, and how good that is."""
