"""One contract, and the ways to run a task. Only the standard library is imported below this package."""
