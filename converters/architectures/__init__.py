"""One file a network: recognise named arrays, and build the graph from them."""
