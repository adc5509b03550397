"""Commands in the client's network namespace: what stands outside the pool and uses its services."""
import os
import signal

from labkit import cage, network


def run(keeper_pid, argv):
    """Runs argv there with our standard streams and gives its exit code; it ends with the lab."""
    here = os.getcwd()
    namespaces = {kind: f"/proc/{keeper_pid}/ns/{kind}" for kind in ("pid", "mnt")}
    cage.enter(namespaces["pid"], cage.NEWPID)
    cage.enter(namespaces["mnt"], cage.NEWNS)
    cage.enter(f"/run/netns/{network.CLIENT}", cage.NEWNET)
    os.chdir(here)

    def child():
        cage.die_with_parent()
        try:
            os.execvp(argv[0], argv)
        except OSError as error:
            os.write(2, f"lab: cannot run '{argv[0]}': {error.strerror}\n".encode())
            os._exit(127 if isinstance(error, FileNotFoundError) else 126)

    pid = cage.as_child(child)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda received, frame: os.kill(pid, received))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status if status >= 0 else 128 - status
