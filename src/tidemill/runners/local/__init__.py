"""Runs as child processes of this machine, under a guard that outlives the server."""
