"""What changes a picture: augmentation in training, corruptions in tests."""
