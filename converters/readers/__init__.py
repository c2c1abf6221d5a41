"""One file a container: a file in, named arrays out; nothing in a file is ever executed."""
