"""How well a package does what it is for: one file a measure."""
