"""Where the guard and the runner keep what is theirs, relative to the data directory.

They have a directory of their own, so that with `task_user` only that, the logs and the working directories belong to
the task's user.
"""

RUNNER = "runner"
NAME = "runner/name"  # tells this directory from a restored one
LOCK = "runner/lock"  # held by guard and runner together; holds the guard's process id as text
JOURNAL = "runner/journal"
SOCKET = "runner/socket"
RENEWED = "runner/renewed"  # touched by a server that shares its database, as long as tasks may live
MESSAGES = "runner/messages.log"  # what the guard and the runner themselves have to say
TRASH = "runner/trash"  # directories that are being removed
SPARE = "runner/spare"  # working directories for later runs
SPARE_LOGS = "runner/spare-logs"  # for later runs
LOGS = "logs"
WORK = "work"


def socket_address(directory_descriptor: int) -> str:
    """The socket's address from an open descriptor of the data directory: never longer than the kernel's 108 bytes."""
    return f"/proc/self/fd/{directory_descriptor}/{SOCKET}"
