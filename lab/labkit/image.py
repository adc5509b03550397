"""The hosts' system: Debian made by mmdebstrap from lab/packages.txt and lab/host/, as one disk image.

A cache entry holds `disk.raw` (ext4, sparse), `kernel`, `initrd` and `packages` (what is in it).
"""
import os
import shutil

from labkit import config, keys
from labkit.cache import Entry, key_of
from labkit.command import run
from labkit.report import say

PACKAGES = config.LAB_DIR / "packages.txt"
UNITS = config.LAB_DIR / "host-units.txt"
OVERLAY = config.LAB_DIR / "host"

# Documentation and translations are half of a small system; what vsd itself installs stays.
DPKG_OPTIONS = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/vsd*",
    "path-exclude=/usr/share/man/*",
    "path-include=/usr/share/man/*/vs*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
    "force-unsafe-io",
)


def key():
    this_module = config.LAB_DIR / "labkit" / "image.py"
    public_key = keys.ssh_key().with_suffix(".pub")
    return key_of(PACKAGES, UNITS, OVERLAY, this_module, public_key, keys.archive_key() / "keyring.gpg")


def entry():
    """The image, made in the background when its inputs have changed."""
    return Entry("image", key(), _make)


def _make(folder):
    say("making the image of the hosts (Debian 13)")
    root = folder / "root"
    _install(root)
    _configure(root)
    _choose_units(root)
    for name, pattern in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        newest = max((root / "boot").glob(pattern))
        shutil.copyfile(newest, folder / name)
    _make_disk(root, folder / "disk.raw")
    (folder / "packages").write_text(run(["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W"], "list the packages"))
    shutil.rmtree(root)
    say("the image of the hosts is made")


def _install(root):
    packages = [word for words in config.listed(PACKAGES) for word in words]
    options = [f"--dpkgopt={option}" for option in DPKG_OPTIONS]
    run(["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", f"--include={','.join(packages)}", *options,
         config.SUITE, root, config.DEBIAN], "make a Debian system with mmdebstrap",
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))


def _configure(root):
    shutil.copytree(OVERLAY, root, dirs_exist_ok=True)

    def write(path, text, mode=0o644):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    write("etc/fstab", "/dev/vda / ext4 errors=remount-ro 0 1\n")
    write("etc/machine-id", "")  # given on the kernel command line
    hosts = "".join(f"10.77.0.{10 + n} h{n}\n" for n in range(1, config.MAX_HOSTS + 1))
    write("etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{config.LAB_MGMT} lab\n{hosts}")
    write("etc/apt/sources.list", f"deb [signed-by={config.KEYRING_IN_HOST}] {config.MIRROR} {config.SUITE} main\n")

    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    write("root/.ssh/authorized_keys", keys.ssh_key().with_suffix(".pub").read_text(), 0o600)
    for kind in ("rsa", "ecdsa"):
        for path in (root / "etc/ssh").glob(f"ssh_host_{kind}_key*"):
            path.unlink()
    shutil.copyfile(keys.archive_key() / "keyring.gpg", root / config.KEYRING_IN_HOST.lstrip("/"))

    # A LUN that is away must fail before another host may take its lease.
    iscsid = root / "etc/iscsi/iscsid.conf"
    text = iscsid.read_text()
    text = text.replace("node.session.timeo.replacement_timeout = 120", "node.session.timeo.replacement_timeout = 15")
    text = text.replace("node.startup = manual", "node.startup = automatic")
    iscsid.write_text(text)


def _choose_units(root):
    for action, *units in config.listed(UNITS):
        for unit in units:
            if action == "disable" and not any((root / place / unit).exists() for place in ("usr/lib/systemd/system", "etc/systemd/system")):
                continue
            run(["systemctl", f"--root={root}", action, unit], f"{action} '{unit}' in the image")


def _make_disk(root, disk):
    with open(disk, "wb") as file:
        file.truncate(config.DISK_BYTES)
    run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-E", "lazy_itable_init=1,root_owner=0:0", "-d", root, disk], "make the disk of the hosts")
