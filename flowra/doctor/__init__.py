"""`manage.py doctor`: checks everything that Flowra depends on, and says how to fix each fault.

`report` defines findings and runs checks, each in a thread with a deadline. The checks: `configuration` (settings),
`machine` (files and limits), `data` (the database), `broker` (Redis and the channel layer). They change nothing.
"""

from flowra.doctor import broker, configuration, data, machine
from flowra.doctor.report import Check

CHECKS: tuple[Check, ...] = (*configuration.CHECKS, *machine.CHECKS, *data.CHECKS, *broker.CHECKS)
