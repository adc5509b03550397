"""The Debian 13 system in which the package is built: lab/buildroot-packages.txt, whatever the build machine runs."""
import os

from labkit import config
from labkit.cache import Entry, key_of
from labkit.command import run
from labkit.report import say

PACKAGES = config.LAB_DIR / "buildroot-packages.txt"


def key():
    return key_of(PACKAGES, config.LAB_DIR / "labkit" / "buildroot.py")


def entry():
    """A folder with `root/`. What is built in it is bound into it in a private mount namespace; the root stays as made."""
    return Entry("buildroot", key(), _make)


def _make(folder):
    say("making the build root (Debian 13)")
    packages = ",".join(word for words in config.listed(PACKAGES) for word in words)
    run(["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", f"--include={packages}",
         "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
         "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=force-unsafe-io",
         config.SUITE, folder / "root", config.DEBIAN], "make the build root with mmdebstrap",
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    for place in ("build", "ccache"):
        (folder / "root" / place).mkdir()
    say("the build root is made")
