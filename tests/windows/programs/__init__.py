"""Run by the Windows CPython; each prints what it found as a map of JSON."""
