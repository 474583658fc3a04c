"""From archives or folders of images to an index, and from that to splits."""
