"""``python -m app.server FD``: a worker that the supervisor started; it reads its configuration from a socket pair."""

import sys
from multiprocessing.connection import Connection

from app.server.worker import work

if __name__ == "__main__":
    sys.exit(work(Connection(int(sys.argv[1]))))
