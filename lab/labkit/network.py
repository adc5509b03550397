"""The wires of a lab, inside its own network namespace: three bridges, a tap per card, the client.

    br-mgmt   10.77.0.1/24   hN's mgmt0, the client's mgmt0
    br-trunk  no address     hN's trunk0, the client's trunk0; a plain bridge passes tagged frames on
    br-store  10.77.1.1/24   hN's store0
    br-ctl    10.77.2.1/24   hN's ctl0

The client is a namespace within. It sees tagged frames on its trunk0, but it has no VLAN devices where
the build machine's kernel lacks 8021q (`ip link add ... type vlan` fails there): a test that needs an
end point inside a VLAN puts it on a host.
"""
import pathlib

from labkit import config
from labkit.cage import mount
from labkit.command import run
from labkit.machine import tap_name

CLIENT = "client"
_ADDRESSES = {"mgmt": f"{config.LAB_MGMT}/24", "store": f"{config.PORTAL}/24", "ctl": "10.77.2.1/24"}


def _ip(lines):
    run(["ip", "-batch", "-"], "set up the lab's network", input="\n".join(lines) + "\n")


def set_up():
    """Call once, in the new network namespace and mount namespace."""
    names = pathlib.Path("/run/netns")
    names.mkdir(exist_ok=True)
    mount("tmpfs", names, "tmpfs")  # the names of this lab's namespaces are nobody else's
    run(["ip", "netns", "add", CLIENT], "make the client's namespace")
    lines = ["link set lo up"]
    for card in config.CARDS:
        lines += [f"link add br-{card} type bridge", f"link set br-{card} up"]
        if card in _ADDRESSES:
            lines.append(f"address add {_ADDRESSES[card]} dev br-{card}")
    for card in ("mgmt", "trunk"):
        lines += [f"link add client-{card} type veth peer name {card}0 netns {CLIENT}",
                  f"link set client-{card} master br-{card} up"]
    _ip(lines)
    run(["ip", "-netns", CLIENT, "-batch", "-"], "set up the client's network",
        input=f"link set lo up\nlink set mgmt0 up\nlink set trunk0 up\n"
              f"address add {config.CLIENT_MGMT}/24 dev mgmt0\nroute add default via {config.LAB_MGMT}\n")


def add_host(index):
    lines = []
    for card in config.CARDS:
        tap = tap_name(index, card)
        lines += [f"tuntap add {tap} mode tap", f"link set {tap} master br-{card} up"]
    _ip(lines)


def remove_host(index):
    _ip([f"link delete {tap_name(index, card)}" for card in config.CARDS])
