"""Processes that cannot outlive us: work in PID and mount namespaces of its own.

The first process of a PID namespace takes everything in it along when it ends, whatever those
processes do, and a private mount namespace takes its mounts along. So nothing that the lab starts
needs to be looked for by name, and nothing is left after kill -9.
"""
import ctypes
import os
import pickle
import signal
import sys
import traceback

from labkit.report import LabError

NEWNS, NEWPID, NEWNET = 0x00020000, 0x20000000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise LabError(f"cannot {what}: {os.strerror(number)}; the lab needs root")


def unshare(flags):
    _check(_libc.unshare(flags), "make namespaces")
    if flags & NEWNS:
        _check(_libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None), "make mounts private")


def mount(source, target, kind, options=""):
    _check(_libc.mount(source.encode(), str(target).encode(), kind.encode(), ctypes.c_ulong(0), options.encode()),
           f"mount {kind} on '{target}'")


def bind(source, target):
    """Shows the tree at source at target too."""
    _check(_libc.mount(str(source).encode(), str(target).encode(), None, ctypes.c_ulong(4096 | _MS_REC), None),
           f"bind '{source}' to '{target}'")


def enter(path, flags):
    """Joins the namespace at path."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    _check(_libc.setns(fd, flags), f"enter the namespace '{path}'")
    os.close(fd)


def die_with_parent(sig=signal.SIGKILL):
    _libc.prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)


def start_time(pid):
    """When a process started, in clock ticks since boot; None if it is gone. With its id this names it for good."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def as_child(function):
    """Runs function in a forked child that never returns to the caller's code. Gives the child's pid."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        function()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def first_process(main):
    """The body of PID 1 of a namespace: runs main as a child, reaps what is orphaned, ends with main."""
    worker = as_child(main)
    while True:
        pid, status = os.wait()
        if pid == worker:
            os._exit(os.waitstatus_to_exitcode(status) & 0xff)


class CagedWork:
    """A function that runs in a cage beside us; dies with us. wait() raises what it raised."""

    def __init__(self, function):
        self._result, result = os.pipe()
        us = os.getpid()

        def work():
            mount("proc", "/proc", "proc")
            try:
                function()
                answer = None
            except LabError as error:
                answer = str(error)
            except Exception:
                answer = traceback.format_exc()
            os.write(result, pickle.dumps(answer))

        def cage():
            die_with_parent()
            if os.getppid() != us:
                return
            os.setsid()
            unshare(NEWPID | NEWNS)
            inner = as_child(lambda: (die_with_parent(), first_process(work)))
            os.waitpid(inner, 0)

        self._pid = as_child(cage)
        os.close(result)

    def wait(self):
        with os.fdopen(self._result, "rb") as result:
            answer = result.read()
        os.waitpid(self._pid, 0)
        error = pickle.loads(answer) if answer else "the work was ended from outside"
        if error is not None:
            raise LabError(error)
