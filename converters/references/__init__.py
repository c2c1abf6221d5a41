"""Independent calculations of networks, to hold built graphs against."""
