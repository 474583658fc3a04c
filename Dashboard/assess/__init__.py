"""What the dashboard does with one image: decode, gate, classify, advise."""
