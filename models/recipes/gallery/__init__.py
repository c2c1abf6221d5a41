"""The page that shows every shipped package: `python -m models.recipes.gallery`."""
