"""What each task type starts: one module a type, listed in `table.py`."""
