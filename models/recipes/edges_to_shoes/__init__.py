"""edges-to-shoes: a pix2pix that makes a picture of a shoe from its line drawing."""
