"""The lab: a pool of real Debian hosts in QEMU, for tests. Start reading at cli.py, then keeper.py."""
