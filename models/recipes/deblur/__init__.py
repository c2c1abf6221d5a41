"""How `deblur-motion` is made: blur, pairs, network, training, export."""
