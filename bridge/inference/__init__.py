"""What a model is and how it runs; knows no socket and no engine."""
