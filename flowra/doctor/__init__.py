"""`manage.py doctor`: whether everything that Flowra stands on is as it should be, each fault with its remedy.

`report` knows what a finding is and runs checks, each in a thread with a deadline: nothing that hangs can hang the
doctor. The checks themselves: `configuration` (settings), `machine` (files and limits), `data` (the database),
`broker` (Redis and the channel layer). They change nothing.
"""

from flowra.doctor import broker, configuration, data, machine
from flowra.doctor.report import Check

CHECKS: tuple[Check, ...] = (*configuration.CHECKS, *machine.CHECKS, *data.CHECKS, *broker.CHECKS)
