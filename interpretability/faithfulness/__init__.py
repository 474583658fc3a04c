"""How faithful attribution maps are to the network: numbers in, numbers out."""
