"""How `upscale-x2` was made: network, pictures, training, export and evaluation.

`train` makes pictures into a checkpoint, `export` a checkpoint into a package, and `evaluate`
measures a package; each explains itself with `python -m models.recipes.upscale.train --help`.
"""
