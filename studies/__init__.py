"""Questions asked once that may be asked again: scripts over the packages, imported by none."""
