"""What the build machine itself must have; installed when it is missing."""
import os
import pathlib
import shutil
import subprocess

from labkit.report import LabError, say

# package -> a program that it brings
NEEDED = {
    "qemu-system-x86": "qemu-system-x86_64",
    "qemu-utils": "qemu-img",
    "mmdebstrap": "mmdebstrap",
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "tgt": "tgtd",
    "iproute2": "ip",
    "openssh-client": "ssh",
    "e2fsprogs": "mke2fs",
    "gpg": "gpg",
    "gpg-agent": "gpg-agent",
    "seabios": "/usr/share/seabios/bios-256k.bin",
    "git": "git",
}


def _present(program):
    return pathlib.Path(program).exists() if program.startswith("/") else shutil.which(program)


def missing():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    return [package for package, program in NEEDED.items() if not _present(program)]


def prepare():
    """Installs what is missing. Needs root, as the whole lab does (namespaces, taps)."""
    if os.geteuid() != 0:
        raise LabError("the lab needs root: it makes network namespaces and mounts; run it as root")
    packages = missing()
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise LabError(f"missing on this machine: {' '.join(packages)}; install them (no apt-get here)")
    say(f"installing {' '.join(packages)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]

    def attempt(argv):
        return subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)

    done = attempt(install)
    if done.returncode:  # no lists yet, or lists that are too old
        attempt(["apt-get", "update", "-qq"])
        done = attempt(install)
    left = missing()
    if done.returncode or left:
        raise LabError(f"cannot install {' '.join(left or packages)}; apt-get says:\n{done.stdout[-2000:]}")
