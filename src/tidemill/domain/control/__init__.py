"""Control tasks as pure decisions: which arm, whether a merge holds, what an iteration sees, what a script gave."""
