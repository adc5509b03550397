"""Booted hosts, saved: the memory of a machine and the disk that fits it.

A cache entry of one host number: `memory` (QEMU's migration stream) and `disk.qcow2`, which lies over the
image and under the disk of each run. Neither is written again.
"""
import inspect
import time

from labkit import machine
from labkit.cache import Entry, key_of
from labkit.command import run
from labkit.report import LabError, say

BOOT_SECONDS = 300


def key(image, index):
    qemu = run(["qemu-system-x86_64", "--version"], "ask QEMU for its version")
    return key_of(image.name, qemu, machine.hardware(index), inspect.getsource(machine), inspect.getsource(inspect.getmodule(key))) + f"-h{index}"


def entry(image, index, connection):
    """The saved state of host number index; boots it and saves it when there is none, over the given connection."""
    def make(folder):
        say(f"h{index}: booting for the first time")
        disk = folder / "disk.qcow2"
        machine.make_overlay(disk, image / "disk.raw", "raw")
        host = machine.Machine(index, image, disk, folder)
        try:
            wait_booted(host, connection)
            say(f"h{index}: up, saving its state")
            connection.run(["/usr/local/sbin/lab-settle"], "settle the system before saving it")
            connection.close()
            host.save(folder / "memory")
        finally:
            if host.running():
                host.kill()
            connection.close()
    return Entry("saved", key(image, index), make, caged=False).path()


def wait_booted(host, connection):
    try:
        connection.open(time.monotonic() + BOOT_SECONDS, host.running)
    except LabError as error:
        raise LabError(f"{error} within {BOOT_SECONDS} s of its start; {host.problem()}") from None
