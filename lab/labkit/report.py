"""What the lab tells the person at the terminal: progress, and errors that say what to do."""
import sys
import threading
import time


class LabError(Exception):
    """What failed, what was wanted and, where it helps, what to do next."""


_begin = time.monotonic()
_listener = threading.local()


def listen(function):
    """Sends this thread's progress to function instead of stderr; None ends that."""
    _listener.function = function


def listener():
    return getattr(_listener, "function", None)


def say(text):
    """One line of progress on stderr, with the seconds since the command began."""
    if function := listener():
        return function(text)
    print(f"lab: [{time.monotonic() - _begin:5.1f}s] {text}", file=sys.stderr, flush=True)


def last_lines(path, count=15):
    """The end of a log file, indented, for an error message."""
    try:
        with open(path, errors="replace") as log:
            lines = log.read().splitlines()[-count:]
    except OSError as error:
        return f"    ({error})"
    return "\n".join("    " + line for line in lines) or "    (empty)"
