"""From an artist's own footage to a next-frame package: what `framebridge train` runs."""
