"""Which labs there are, and how to speak with one. Any command removes what a dead lab left.

    /run/vsd-lab/NAME.lock           held by who starts or ends the lab NAME
    /run/vsd-lab/NAME/lab.json       {"pid", "start", "disks"}: its keeper, named beyond doubt by pid and start time
    /run/vsd-lab/NAME/keeper.sock    requests to the keeper: one JSON line in; lines out, the last one is the answer
    /run/vsd-lab/NAME/hN.ssh         the open ssh connection to a host
    /run/vsd-lab/NAME/*.log hN.serial hN.qemu
"""
import fcntl
import json
import os
import select
import shutil
import signal
import socket

from labkit import config
from labkit.cage import start_time
from labkit.report import LabError, say


def folder(name):
    return config.STATE_ROOT / name


def _record(name):
    try:
        return json.loads((folder(name) / "lab.json").read_text())
    except (OSError, ValueError):
        return None


def disks(name):
    return config.CACHE / "runs" / name


def write_record(name, pid):
    path = folder(name) / "lab.json"
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps({"pid": pid, "start": start_time(pid), "disks": str(disks(name))}))
    partial.rename(path)


def keeper_pid(name):
    """The pid of the lab's keeper while it lives, else None."""
    record = _record(name)
    return record["pid"] if record and record["start"] is not None and start_time(record["pid"]) == record["start"] else None


def names():
    """The labs that are up."""
    if not config.STATE_ROOT.is_dir():
        return []
    return sorted(path.name for path in config.STATE_ROOT.iterdir() if path.is_dir() and keeper_pid(path.name))


def require_up(name):
    if not keeper_pid(name):
        raise LabError(f"lab '{name}' is not up; start it with: lab up")


def remove_dead(name):
    """Removes the files of a lab without a keeper. Call under its lock."""
    record = _record(name)
    shutil.rmtree(record["disks"] if record else disks(name), ignore_errors=True)
    shutil.rmtree(folder(name), ignore_errors=True)


def sweep():
    """Removes what dead labs left, unless somebody is at work on them."""
    if not config.STATE_ROOT.is_dir():
        return
    for path in [path for path in config.STATE_ROOT.iterdir() if path.is_dir() and not keeper_pid(path.name)]:
        with open(config.STATE_ROOT / f"{path.name}.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if not keeper_pid(path.name):
                say(f"removing what the dead lab '{path.name}' left")
                remove_dead(path.name)


def end(name):
    """Ends the keeper, and with it everything of the lab. Call under its lock."""
    pid = keeper_pid(name)
    if pid:
        kill_and_wait(pid, lambda: keeper_pid(name) == pid)
    remove_dead(name)


def kill_and_wait(pid, still_the_one):
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if still_the_one():  # asked after the descriptor was opened, so it cannot be another process
            signal.pidfd_send_signal(fd, signal.SIGKILL)
            wait_gone(fd)
    finally:
        os.close(fd)


def wait_gone(pidfd, seconds=30):
    if not select.select([pidfd], [], [], seconds)[0]:
        raise LabError(f"the keeper of the lab does not end within {seconds} s")


def ask(name, request, **arguments):
    """Sends a request to the keeper, shows its progress, gives its answer."""
    require_up(name)
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(folder(name) / "keeper.sock"))
        except OSError as error:
            raise LabError(f"the keeper of lab '{name}' does not listen ({error}); is it still starting?") from None
        connection.sendall(json.dumps({"request": request, **arguments}).encode() + b"\n")
        for line in connection.makefile("r"):
            answer = json.loads(line)
            if "say" in answer:
                say(answer["say"])
            elif "error" in answer:
                raise LabError(answer["error"])
            else:
                return answer["answer"]
    raise LabError(f"lab '{name}' ended before it answered; see: lab status")
