"""Whether packages are what their manifests say: `make models-check`."""
