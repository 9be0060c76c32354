"""Paper receipts: one printable page that says what a bundle proves, and keeps its pin.

The paper proves nothing: the bundle file does. The paper says which file that was, by its SHA-256,
and holds the checkpoint that every later answer must extend: a thing to keep in a drawer for ten
years.
"""
