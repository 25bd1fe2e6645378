"""Whether an error says that the disk is full, or the share of it that a user may have."""

import errno


def is_full(error: BaseException | None) -> bool:
    """True for what will pass when somebody makes room."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
