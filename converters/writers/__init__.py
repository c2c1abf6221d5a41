"""Files of weights in the formats of others, for tests and for export."""
