"""Making the instances that an operation asked for: one business date after the other, resumed where a crash left it.

What an operation makes is invisible until the whole of it is there (engine 12). A unit that fails does not prevent the
others; the operation's message names it.
"""

import logging

from sqlalchemy import Connection

from tidemill.domain.creation import read
from tidemill.scheduler.creation_dates import Creating, make
from tidemill.scheduler.planning import plan_unit
from tidemill.scheduler.rerunning import rerun_unit
from tidemill.scheduler.undeploy import undeploy
from tidemill.store import definitions, operations
from tidemill.store.absence import ends_transaction
from tidemill.store.engine import Database
from tidemill.store.operations import Operation

log = logging.getLogger(__name__)

_WORK = 500  # instances after which a turn of the loop goes on to dispatch; a date is made whole


def create(database: Database, now: int) -> bool:
    """Make the next units of the operations in progress; True when some are left."""
    work = 0
    with database.write(announce=False) as db:
        while work < _WORK:
            due = operations.next_unfinished(db)
            if due is None:
                return False
            work += _UNITS.get(due.kind, _unit)(db, due, now)
    return True


def _unit(db: Connection, operation: Operation, now: int) -> int:
    asked = read(operation.request)
    message = operation.message
    work = 1
    creating = Creating(db, operation, asked, now)
    try:
        with db.begin_nested():
            work = make(creating, operation.cursor)
    except Exception as error:
        if ends_transaction(db, error):
            raise
        bizdate = asked.bizdates[operation.cursor]
        log.exception("operation %s could not make business date %s", operation.id, bizdate)
        message = "; ".join(filter(None, [message, f"{bizdate} could not be made: {type(error).__name__}"]))
    if operation.cursor + 1 == len(asked.bizdates):
        _let_go(creating)
        operations.finish(db, operation.id, now, "CreateFailure" if message else "Created", message)
    else:
        operations.advance(db, operation.id, operation.cursor + 1, message)
    return work


def _let_go(creating: Creating) -> None:
    """Undeploy what was made of tasks that were removed meanwhile, as if all of it had been there by then."""
    try:
        tasks = creating.tasks
    except LookupError:  # for that very reason nothing could be made
        return
    env, user = creating.asked.env, creating.asked.user
    gone = tasks - definitions.triggers(creating.db, env, tasks).keys()
    if gone:
        undeploy(creating.db, creating.now, env, gone, user)


_UNITS = {operations.PLANNING: plan_unit, operations.RERUN: rerun_unit}
