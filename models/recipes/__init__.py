"""The training and the scripts that made the packages beside this folder."""
