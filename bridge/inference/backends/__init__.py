"""What compiles and runs a graph: one file a runtime, one interface for all."""
