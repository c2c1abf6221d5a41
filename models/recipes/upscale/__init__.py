"""How `upscale-x2`, `-x3`, `-x4` and `upscale-x2-fast` were made: one architecture, weights for
each scale."""
