"""A storage of tier thin for the tests of a class."""
import time

from support.hosts import LabVsd

DISK = "/root/disk.img"


class OnDisk:
    """A storage 'fast' on a disk of its own."""
    vsd = LabVsd("h2")
    FS = "ext4"

    @classmethod
    def setUpClass(cls):
        cls.archive = cls.vsd.need_busybox()
        cls.vsd.shell(f"truncate -s 6G {DISK}")
        cls.device = cls.vsd.shell(f"losetup --find --show {DISK}").strip()
        cls.vsd.ok("storage", "add", "fast", "--device", cls.device, "--fs", cls.FS)

    @classmethod
    def tearDownClass(cls):
        for context in cls.vsd.json("list"):
            cls.vsd.vsctl("remove", "--kill", "-y", context["definition"]["name"])
        cls.vsd.vsctl("storage", "remove", "-y", "fast")
        cls.vsd.shell(f"losetup -d {cls.device}; rm {DISK}")


class Filling:
    """What becomes of writers when a volume group has no more room."""
    vsd = LabVsd("h2")
    SIZE = 1500
    FS = "ext4"
    CHECK = "e2fsck -fn /dev/vsd-fast/vt-busybox"  # of what nobody has written to

    def setUp(self):
        self.vsd.need_busybox()
        self.vsd.shell(f"truncate -s {self.SIZE}M {DISK}")
        self.device = self.vsd.shell(f"losetup --find --show {DISK}").strip()
        self.vsd.shell(f"vgcreate -qq vsd-fast {self.device}; mkdir -p /etc/vsd/vsd.toml.d; "
                       "printf '[storage]\\novercommit = 20\\n' >/etc/vsd/vsd.toml.d/test.toml; systemctl restart vsd.service")
        self.vsd.ok("storage", "add", "fast", "--vg", "vsd-fast", "--size", "512M", "--fs", self.FS)

    def tearDown(self):
        for context in self.vsd.json("list"):
            self.vsd.ok("remove", "--kill", "-y", context["definition"]["name"], timeout=200)
        self.vsd.ok("storage", "remove", "-y", "fast")
        self.vsd.shell(f"vgremove -qq -y vsd-fast; losetup -d {self.device}; rm {DISK} /etc/vsd/vsd.toml.d/test.toml; "
                       "systemctl restart vsd.service")

    def available(self, name):
        """MiB."""
        return int(self.vsd.ok("exec", name, "--", "df", "-m", "/").split("\n")[1].split()[3])

    def wait(self, what, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(1)

    def test_writers_get_errors_before_the_pool_is_full_and_nobody_else_is_hurt(self):
        create = ("create", "--template", "busybox", "--storage", "fast", "--start")
        self.vsd.shell("dmesg --clear")
        self.vsd.ok(*create, "one")
        self.vsd.ok(*create, "two")
        self.vsd.ok("exec", "two", "--", "sh", "-c", "dd if=/dev/urandom of=/root/kept bs=1M count=20; sync")
        self.wait("df tells what there is", lambda: self.available("one") < self.SIZE)
        full = self.vsd.vsctl("exec", "one", "--", "dd", "if=/dev/zero", "of=/root/fill", "bs=1M", timeout=300)
        self.assertNotEqual(full.returncode, 0)
        self.assertIn(b"No space left on device", full.stderr)
        self.vsd.ok("exec", "one", "--", "sh", "-c", "sync /root/fill; sync")
        self.assertEqual(self.vsd.shell("dmesg | grep -E 'I/O error|lost async|error IO' || true"), "")
        # Pools are looked at once a second.
        self.wait("its storage tells of it", lambda: "trouble" in self.vsd.json("storage", "show", "fast")[0], seconds=10)
        trouble = self.vsd.json("storage", "show", "fast")[0]["trouble"]
        self.assertRegex(trouble, "nearly full|cannot grow")
        self.assertRegex(self.vsd.shell("journalctl -u vsd.service -n 20 --no-pager"), "nearly full|cannot grow")
        # What is there can be read and written by all; more of a little goes, too.
        self.vsd.ok("exec", "two", "--", "sh", "-c", "dd if=/dev/zero of=/root/kept bs=1M count=20 conv=notrunc,fsync; echo more >/root/more")
        # What is removed is room again, without anybody's doing.
        self.vsd.ok("exec", "one", "--", "sh", "-c", "rm /root/fill; sync")
        self.wait("what was removed is given back", lambda: self.available("two") > 500)
        self.vsd.ok("exec", "two", "--", "dd", "if=/dev/zero", "of=/root/more", "bs=1M", "count=300", "conv=fsync", timeout=300)
        self.vsd.shell(self.CHECK)
        for name in ("one", "two"):
            self.assertIn("nothing is wrong", self.vsd.vsctl("fsck", name).stderr.decode())
