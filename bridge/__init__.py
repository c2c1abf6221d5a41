"""Framebridge: run trained image networks on a live engine's frames."""

__version__ = "0.1.0"
