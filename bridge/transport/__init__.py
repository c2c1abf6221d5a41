"""How pixels reach another process: one file a transport."""
