"""A storage of tier thin for the tests of a class."""
from support.hosts import LabVsd

DISK = "/root/disk.img"


class OnDisk:
    """A storage 'fast' on a disk of its own."""
    vsd = LabVsd("h2")

    @classmethod
    def setUpClass(cls):
        cls.archive = cls.vsd.need_busybox()
        cls.vsd.shell(f"truncate -s 6G {DISK}")
        cls.device = cls.vsd.shell(f"losetup --find --show {DISK}").strip()
        cls.vsd.ok("storage", "add", "fast", "--device", cls.device)

    @classmethod
    def tearDownClass(cls):
        for context in cls.vsd.json("list"):
            cls.vsd.vsctl("remove", "--kill", "-y", context["definition"]["name"])
        cls.vsd.vsctl("storage", "remove", "-y", "fast")
        cls.vsd.shell(f"losetup -d {cls.device}; rm {DISK}")
