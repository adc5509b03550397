#!/usr/bin/python3
"""Holds every #include of the tree against the layers of docs/ARCHITECTURE.md.

A box may include itself and what is listed for it; anything else is reported with file and line.
"""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BASE = {"vsd/base"}
MIDDLE = BASE | {"vsd/kernel", "vsd/storage", "vsd/context"}
ALLOWED = {
    "vsd/base": set(),
    "vsd/kernel": BASE,
    "vsd/storage": BASE | {"vsd/kernel"},
    "vsd/context": BASE | {"vsd/kernel"},
    "vsd/guest": BASE | {"vsd/kernel"},
    "vsd/unpack": BASE | {"vsd/kernel"},
    "netfw": BASE,
    "checkpoint": BASE,
    "vsd/ops": MIDDLE | {"netfw", "checkpoint"},
    "vsd/pool": MIDDLE | {"netfw", "checkpoint"},
    "vsd/api": MIDDLE | {"vsd/ops", "vsd/pool"},
    "vsd": MIDDLE | {"vsd/ops", "vsd/pool", "vsd/api"},
    "vsctl": BASE,
}
# Single headers that are the contract between two programs.
EXTRA = {"vsctl": {"vsd/kernel/boot_plan.hpp", "vsd/kernel/talk.hpp", "vsd/api/client.hpp", "vsd/api/framing.hpp"}}
# Headers of netfw and checkpoint show only their own types; libnl and protobuf stay in their sources.
HIDDEN = {"netfw": r"<(netlink|nlohmann|toml\+\+)[/.]", "checkpoint": r"(<google/|.*\.pb\.h)"}
INNER = {"netfw/nl.hpp"}
# The client half of the API includes nothing above base.
CLIENT = {"vsd/api/client.hpp", "vsd/api/client.cpp", "vsd/api/framing.hpp", "vsd/api/framing.cpp"}


def box_of(path):
    folder = os.path.dirname(path)
    while folder and folder not in ALLOWED:
        folder = os.path.dirname(folder)
    return folder


def problems():
    for root in ("vsd", "vsctl", "netfw", "checkpoint"):
        for folder, _, files in os.walk(os.path.join(TOP, root)):
            for name in sorted(files):
                if not name.endswith((".hpp", ".cpp")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), TOP)
                yield from problems_in(path)


def problems_in(path):
    box = box_of(path)
    allowed = BASE if path in CLIENT else ALLOWED[box]
    for number, line in enumerate(open(os.path.join(TOP, path), encoding="utf-8"), 1):
        hidden = HIDDEN.get(box) if path.endswith(".hpp") and path not in INNER else None
        if hidden and re.match(r"\s*#include " + hidden, line):
            yield f"{path}:{number}: {line.split()[1]} may only be in sources of {box}"
        found = re.match(r'\s*#include "([^"]+)"', line)
        if not found or "/" not in found[1]:
            continue
        target = re.sub(r"\.pb\.h$", ".proto", found[1])  # made from it
        if not os.path.exists(os.path.join(TOP, target)):
            yield f"{path}:{number}: {target} does not exist in the tree"
        elif box_of(target) not in allowed | {box} and target not in EXTRA.get(box, set()):
            yield f"{path}:{number}: {box} may not include {target}"


if __name__ == "__main__":
    bad = list(problems())
    for problem in bad:
        print(problem)
    sys.exit(1 if bad else 0)
