"""``python -m app.server FD``: a worker, told what to do over a file descriptor by ``app.server.workers``."""

import sys
from multiprocessing.connection import Connection

from app.server.worker import work

if __name__ == "__main__":
    sys.exit(work(Connection(int(sys.argv[1]))))
