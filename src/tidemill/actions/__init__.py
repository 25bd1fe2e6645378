"""One typed function for each API Action."""
