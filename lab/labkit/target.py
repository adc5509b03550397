"""The shared LUN: tgtd serves one sparse file, fresh and empty in each lab."""
import os
import subprocess
import time

from labkit import config
from labkit.command import run
from labkit.report import LabError, last_lines


def environment(state):
    """Its control socket is the lab's own, so labs beside each other do not meet."""
    return dict(os.environ, TGT_IPC_SOCKET=str(state / "tgtd.sock"))


def allow_writes(state, allow):
    """From now on the LUN can be written, or only be read."""
    run(["tgtadm", "--lld", "iscsi", "--op", "update", "--mode", "logicalunit", "--tid", "1", "--lun", "1",
         "--params", f"readonly={0 if allow else 1}"], "change the LUN", env=environment(state))


def start(state, disks):
    """Starts tgtd in the lab's namespaces with the LUN bound; gives its process."""
    lun = disks / "lun"
    with open(lun, "wb") as file:
        file.truncate(config.LUN_BYTES)
    log = state / "tgtd.log"
    with open(log, "w") as messages:
        process = subprocess.Popen(["tgtd", "-f"], env=environment(state), stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)

    def admin(*arguments):
        run(["tgtadm", "--lld", "iscsi", *arguments], f"set up the LUN (log: {log})", env=environment(state))

    deadline = time.monotonic() + 10
    while not list(state.glob("tgtd.sock*")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"tgtd does not start:\n{last_lines(log)}")
        time.sleep(0.02)
    admin("--op", "new", "--mode", "target", "--tid", "1", "-T", config.TARGET)
    admin("--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", lun)
    admin("--op", "update", "--mode", "logicalunit", "--tid", "1", "--lun", "1",
          "--params", "vendor_id=VSD,product_id=POOL,thin_provisioning=1")
    admin("--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL")
    return process
