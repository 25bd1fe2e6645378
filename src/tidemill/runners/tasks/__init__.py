"""What each task type starts."""
