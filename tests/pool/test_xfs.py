"""Volumes with XFS, on both tiers: what differs from ext4 for users and for the host."""
import re
import unittest

from support.on_disk import Filling, OnDisk
from support.on_lun import OnLun

CREATE = ("create", "one", "--template", "busybox", "--storage", "fast", "--start")
WRITER = "i=0; while :; do i=$((i+1)); echo $i >/root/$i; mv /root/$i /root/last; done"


class ThinXfs(OnDisk, unittest.TestCase):
    FS = "xfs"

    def tearDown(self):
        for context in self.vsd.json("list"):
            self.vsd.ok("remove", "--kill", "-y", context["definition"]["name"])
        self.assertEqual(self.vsd.json("reconcile"), [])

    def inside(self, text, name="one"):
        return self.vsd.ok("exec", name, "--", "sh", "-c", text)

    def test_a_context_has_snapshots_copies_and_growth_on_xfs(self):
        self.vsd.ok(*CREATE, "--", "/bin/sh", "-c", WRITER)
        mount = self.vsd.shell("grep /var/lib/vsd/storage/fast/vc-one /proc/self/mounts").split()
        self.assertEqual(mount[2], "xfs")
        self.assertEqual(self.vsd.json("storage", "show", "fast")[0]["fileSystem"], "xfs")
        self.inside("echo first >/root/mine; sync")
        self.vsd.ok("snapshot", "create", "one", "--name", "s")
        self.inside("echo second >/root/mine; sync")
        self.vsd.ok("clone", "one", "two")
        changed = [d["path"] for d in self.vsd.json("snapshot", "diff", "one", "s", "--filter", "path=/root/m*")]
        self.assertEqual(changed, ["/root/mine"])
        self.vsd.ok("resize", "one", "--disk", "12G")
        self.assertGreater(int(self.inside("df -k /").split("\n")[1].split()[1]), 11 << 20)
        self.vsd.ok("stop", "--kill", "one")
        less = self.vsd.vsctl("resize", "one", "--disk", "9G")
        self.assertEqual(less.returncode, 1)
        self.assertIn(b"its file system, xfs, only grows", less.stderr)
        self.vsd.ok("snapshot", "restore", "-y", "one", "s")
        self.vsd.ok("start", "one")
        self.assertEqual(self.inside("cat /root/mine"), "first\n")
        self.vsd.ok("start", "two")
        self.assertEqual(self.inside("cat /root/mine", "two"), "second\n")
        try:
            self.vsd.ok("export", "one", "--file", "/root/now")
            self.vsd.ok("import", "/root/now", "--name", "three", "--start")
        finally:
            self.vsd.shell("rm -f /root/now")
        self.assertEqual(self.inside("cat /root/mine", "three"), "first\n")
        small = self.vsd.vsctl("storage", "add", "more", "--device", "/dev/null", "--fs", "zfs")
        self.assertIn(b"file system 'zfs' is unknown; choose 'ext4' or 'xfs'", small.stderr)

    def test_a_damaged_file_system_is_found_and_mended(self):
        self.vsd.ok(*CREATE, "--", "/bin/sh", "-c", WRITER)
        self.assertIn("nothing is wrong", self.vsd.vsctl("fsck", "one").stderr.decode())
        # Its journal is full of what is nowhere else.
        self.vsd.ok("stop", "--kill", "one")
        self.assertIn("nothing is wrong", self.vsd.vsctl("fsck", "one").stderr.decode())
        self.vsd.shell("lvchange -ay -K vsd-fast/vc-one; "
                       "xfs_db -x -c 'path /root/etc/hostname' -c 'write core.nlinkv2 7' /dev/vsd-fast/vc-one")
        done = self.vsd.vsctl("fsck", "one")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"has errors", done.stderr)
        self.assertIn("mended", self.vsd.vsctl("fsck", "--repair", "one").stderr.decode())
        self.assertIn("nothing is wrong", self.vsd.vsctl("fsck", "one").stderr.decode())
        self.vsd.ok("start", "one")
        self.assertEqual(self.inside("cat /etc/hostname"), "one\n")
        # A superblock that is gone: the other copies have it.
        self.vsd.ok("stop", "--kill", "one")
        self.vsd.shell("lvchange -ay -K vsd-fast/vc-one; xfs_db -x -c 'sb 0' -c 'write -d rblocks 77' /dev/vsd-fast/vc-one")
        refused = self.vsd.vsctl("start", "one")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(b"vsctl fsck --repair", refused.stderr)
        self.vsd.ok("fsck", "--repair", "one")
        self.vsd.ok("start", "one")

    def test_a_volume_that_a_killed_vsd_left_mounted_is_put_down(self):
        """As a check leaves it that is killed while the journal is replayed."""
        self.vsd.ok(*CREATE[:-1])
        self.vsd.shell("systemctl stop vsd.socket vsd.service; lvchange -ay -K vsd-fast/vc-one; D=/var/lib/vsd/storage/fast/vc-one; "
                       "dmsetup create vsd.fast.vc-one --uuid VSD-vsd.fast.vc-one "
                       "--table \"0 $(blockdev --getsz /dev/vsd-fast/vc-one) linear /dev/vsd-fast/vc-one 0\"; "
                       "mkdir $D; mount -o nouuid /dev/mapper/vsd.fast.vc-one $D; systemctl start vsd.socket vsd.service")
        self.assertEqual(self.vsd.shell("grep -c /var/lib/vsd/storage/ /proc/self/mounts || true; dmsetup ls | grep -c '^vsd\\.' || true").split(),
                         ["0", "0"])
        self.vsd.ok("rename", "one", "two")

    def test_one_that_has_shut_itself_down_is_told_of_and_comes_back(self):
        self.vsd.ok(*CREATE)
        self.inside("echo kept >/root/kept; sync")
        self.vsd.shell("xfs_io -x -c shutdown /var/lib/vsd/storage/fast/vc-one")
        done = self.vsd.vsctl("storage", "check", "fast")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"has seen errors", done.stdout)
        self.vsd.ok("stop", "--kill", "one")
        self.assertEqual(self.vsd.shell("grep -c /var/lib/vsd/storage/ /proc/self/mounts || true").strip(), "0")
        self.vsd.ok("start", "one")
        self.assertEqual(self.inside("cat /root/kept"), "kept\n")


class RoomXfs(Filling, unittest.TestCase):
    FS = "xfs"
    CHECK = "lvchange -ay -K vsd-fast/vt-busybox; xfs_repair -n /dev/vsd-fast/vt-busybox"


class SharedXfs(OnLun, unittest.TestCase):
    FS = "xfs"

    def test_a_volume_goes_over_under_a_frozen_context(self):
        self.assertEqual(self.h2.json("storage", "show", "pool1")[0]["fileSystem"], "xfs")
        self.h1.ok("create", "web", "--template", "busybox", "--storage", "pool1", "--start")
        size = self.h1.shell("lvs --nolocking --noheadings --units m --nosuffix -o lv_size vsd-pool1/vt-busybox")
        self.assertLess(float(size), 700)  # MiB: no more than such a file system and its tree want
        self.h1.ok("exec", "web", "--", "sh", "-c", "echo kept >/root/file; sync; echo later >/root/later")
        self.h1.ok("snapshot", "create", "web", "--name", "s")
        self.h1.ok("clone", "web", "copy")
        self.h1.ok("freeze", "web")
        self.handover(self.h1, "release")
        tree = re.search(rb"its tree is (\S+)", self.handover(self.h2, "take").stderr)[1].decode()
        self.assertEqual(self.h2.shell(f"cat {tree}/root/file; touch {tree}/root/other"), "kept\n")
        self.handover(self.h2, "give-up")
        self.handover(self.h1, "take-back")
        self.h1.ok("thaw", "web")
        self.assertNotIn("other", self.h1.ok("exec", "web", "--", "ls", "/root"))
        self.h1.ok("freeze", "web")
        self.handover(self.h1, "release")
        self.handover(self.h2, "take")
        self.handover(self.h2, "commit")
        self.handover(self.h2, "finish")
        self.h1.ok("remove", "--kill", "-y", "web")
        self.h2.ok("take", "web")
        self.h2.ok("start", "web")
        self.assertEqual(self.h2.ok("exec", "web", "--", "cat", "/root/file", "/root/later"), "kept\nlater\n")
        self.assertIn("nothing is wrong", self.h2.vsctl("fsck", "web").stderr.decode())
        self.h2.ok("take", "copy")
        self.h2.ok("start", "copy")
        self.assertEqual(self.h2.ok("exec", "copy", "--", "cat", "/root/file"), "kept\n")
        self.assertIn("nothing is wrong", self.h2.vsctl("fsck", "copy").stderr.decode())


if __name__ == "__main__":
    unittest.main()
