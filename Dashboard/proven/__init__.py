"""What is known by histology: neighbours of a picture, the clinic's own record, an export."""
