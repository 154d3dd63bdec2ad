"""The `matinee` command on a machine whose clock is an hour ahead."""

import time

from cli.main import main

AHEAD_SECONDS = 3600
right_time, right_time_ns = time.time, time.time_ns

time.time = lambda: right_time() + AHEAD_SECONDS
time.time_ns = lambda: right_time_ns() + AHEAD_SECONDS * 10**9

if __name__ == "__main__":
    main()
