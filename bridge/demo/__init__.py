"""The demo: a real engine whose frames go through a model while you watch."""
