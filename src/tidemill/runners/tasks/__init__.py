"""How each task type is started: one module a type, and the table of those that a runner serves."""
