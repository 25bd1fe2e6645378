"""Runs as child processes of this machine: a guard, the runner under it, and the server's side of both.

The guard and the runner are small processes that outlive the server. They import only the standard library, and little
of it: their start is on the way of every `serve`, and their memory is there all day. `client.LocalRunner` is the side
that the scheduler holds.
"""
