"""Trained weights of any kind into a ModelPackage. Readers and architectures are added here."""
