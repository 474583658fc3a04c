"""What every request passes: connections, proxies, headers, compression, limits."""
