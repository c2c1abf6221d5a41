"""Trained weights of any kind into model packages; nothing in a file is ever executed."""
