"""What every request passes: headers, compression, connections, limits."""
