"""The process that people talk to: it owns streams, slots and workers, and runs no model."""
