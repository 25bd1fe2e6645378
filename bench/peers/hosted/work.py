"""The one task of every workload, as a peer's own process runs it."""

import subprocess


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def work(argument):
    """`sh -c true` in a process of its own, or fibonacci(argument) in this one."""
    if argument is None:
        subprocess.run(["/bin/sh", "-c", "true"], check=True)
    else:
        fibonacci(argument)
