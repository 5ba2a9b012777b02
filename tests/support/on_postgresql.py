"""Run tests on a throw-away PostgreSQL: python -m tests.support.on_postgresql tests/chats -x"""

import signal
import subprocess
import sys

from tests.support.caller import clean_run
from tests.support.processes import ROOT, PostgreSQL

# Each test is one transaction, and between two of its queries it may wait for the processors longer than the product's
# 10 s: other runs stand beside this one, which has the least priority.
OPTIONS = "?options=-c%20idle_in_transaction_session_timeout%3D120s"


def main(arguments: list[str]) -> int:
    """Give `arguments` to pytest and return its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through the end of `with`: nothing stays behind
    with PostgreSQL() as postgresql:
        env = clean_run(DATABASE_URL=postgresql.url("flowra") + OPTIONS)
        return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
