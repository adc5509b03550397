"""Names, addresses and places of the lab. Everything that two modules must agree on is here.

    10.77.0.0/24  management  mgmt0   hosts .11 .12 ..., lab .1 (packages on :8000), client .100
    (no address)  VLAN trunk  trunk0  tagged frames between hosts and the client
    10.77.1.0/24  storage     store0  hosts .11 .12 ..., iSCSI portal .1
    10.77.2.0/24  control     ctl0    the lab's own ssh; never cut
"""
import os
import pathlib
import re

from labkit.report import LabError

LAB_DIR = pathlib.Path(__file__).resolve().parent.parent
CHECKOUT = LAB_DIR.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "vsd-lab"
STATE_ROOT = pathlib.Path("/run/vsd-lab")

DEBIAN = "http://deb.debian.org/debian"
SUITE = "trixie"
MIRROR_PORT = 8000
MIRROR = f"http://10.77.0.1:{MIRROR_PORT}/debian"
KEYRING_IN_HOST = "/usr/share/keyrings/vsd-lab-archive-keyring.gpg"

LAB_MGMT = "10.77.0.1"
CLIENT_MGMT = "10.77.0.100"
PORTAL = "10.77.1.1"
TARGET = "iqn.2008-11.vsd.lab:pool"
LUN_BYTES = 8 << 30
DISK_BYTES = 12 << 30
MAX_HOSTS = 30

# A host's network cards in the order of their MAC addresses (lab/host/.../lab-identity).
CARDS = ("mgmt", "trunk", "store", "ctl")
# What `lab cut HOST WHAT` unplugs. ssh goes over `ctl`, which is never unplugged.
CUTS = {"net": ("mgmt", "trunk"), "lun": ("store",)}


def lab_name():
    """The lab that this command is about: $LAB, or 'default'."""
    name = os.environ.get("LAB") or "default"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
        raise LabError(f"LAB='{name}' is no name for a lab: lower-case letters, digits and '-', at most 31")
    return name


def host_index(name):
    """3 for 'h3'."""
    match = re.fullmatch(r"h([1-9][0-9]?)", name)
    if not match or int(match[1]) > MAX_HOSTS:
        raise LabError(f"'{name}' is no host of a lab: hosts are h1, h2 ... h{MAX_HOSTS}")
    return int(match[1])


def mac(card, index):
    return f"52:54:00:77:{CARDS.index(card):02x}:{index:02x}"


def control_address(index):
    return f"10.77.2.{10 + index}"


def listed(path):
    """The words of a data file without its comments, line by line."""
    lines = (line.split("#")[0].split() for line in path.read_text().splitlines())
    return [words for words in lines if words]
