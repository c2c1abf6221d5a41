"""The child process of a stream: frames in, chain, frames out."""
