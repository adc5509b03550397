"""Tier `thin` on a real volume group: set up, volumes as snapshots of templates, sizes, what a crash leaves, given up."""
import json
import os
import subprocess
import time
import unittest

from support.hosts import TOP, LabVsd
from support.kills import RandomKills
from support.on_disk import Filling, OnDisk


class Thin(OnDisk, unittest.TestCase):
    def tearDown(self):
        for context in self.vsd.json("list"):
            self.vsd.ok("remove", "--kill", "-y", context["definition"]["name"])
        self.assertEqual(self.vsd.json("reconcile"), [])

    def volumes(self):
        listed = json.loads(self.vsd.shell("lvs --reportformat json -o lv_name vsd-fast"))
        return sorted(row["lv_name"] for row in listed["report"][0]["lv"])

    def storage(self):
        return self.vsd.json("storage", "show", "fast")[0]

    def blocks(self, name):
        return int(self.vsd.ok("exec", name, "--", "df", "-k", "/").split("\n")[1].split()[1])

    def ours(self):
        """Mounts and devices of ours that are there."""
        return self.vsd.shell("grep -c /var/lib/vsd/storage/ /proc/self/mounts || true; "
                              "dmsetup ls | grep -c '^vsd\\.' || true").split()

    def test_a_context_lives_on_a_snapshot_of_its_template(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start")
        self.assertEqual(self.volumes(), ["vc-one", "vs-pool", "vt-busybox"])
        self.assertEqual(self.ours(), ["1", "1"])
        self.assertIn("fast", self.vsd.json("template", "show", "busybox")[0]["storages"])
        self.vsd.ok("exec", "one", "--", "sh", "-c", "echo mine >/root/mine; sync")
        mount = self.vsd.shell("grep /var/lib/vsd/storage/fast/vc-one /proc/self/mounts").split()
        self.assertEqual(mount[2], "ext4")
        self.assertLessEqual({"nosuid", "nodev"}, set(mount[3].split(",")))
        self.vsd.ok("restart", "one")
        self.assertEqual(self.vsd.ok("exec", "one", "--", "cat", "/root/mine"), "mine\n")
        self.vsd.ok("stop", "one")
        self.assertEqual(self.ours(), ["0", "0"])
        self.vsd.ok("remove", "-y", "one")
        self.assertEqual(self.volumes(), ["vs-pool", "vt-busybox"])

    def test_a_size_is_a_limit_and_takes_nothing_until_it_is_used(self):
        before = self.storage()["used"]
        self.vsd.ok("create", "big", "--template", "busybox", "--storage", "fast", "--size", "20G", "--start")
        self.assertGreater(self.blocks("big"), 19 << 20)
        self.assertLess(self.storage()["used"] - before, 300 << 20)
        self.assertGreaterEqual(self.storage()["promised"], 28 << 30)
        small = self.vsd.vsctl("create", "small", "--template", "busybox", "--storage", "fast", "--size", "1G")
        self.assertEqual(small.returncode, 2)
        self.assertIn(b"template 'busybox' has 8.0G", small.stderr)

    def test_what_it_writes_a_second_is_limited(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--write-rate", "2M", "--start")

        def seconds():
            began = time.monotonic()
            self.vsd.ok("exec", "one", "--", "dd", "if=/dev/zero", "of=/root/data", "bs=1M", "count=16", "conv=fsync")
            return time.monotonic() - began
        limited = seconds()
        self.vsd.ok("set", "one", "--unset", "write-rate")
        self.assertGreater(limited, 6)
        self.assertGreater(limited, 2 * seconds())
        refused = self.vsd.vsctl("create", "two", "--template", "busybox", "--storage", "dir", "--read-rate", "1M")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"storage 'dir' is of tier dir, where volumes have no block device of their own", refused.stderr)

    def test_a_running_context_is_cloned_with_its_data(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start")
        self.vsd.ok("exec", "one", "--", "sh", "-c", "echo mine >/root/mine")
        self.vsd.ok("clone", "one", "two", "--start")
        self.vsd.ok("exec", "one", "--", "sh", "-c", "echo other >/root/mine")
        self.assertEqual(self.vsd.ok("exec", "two", "--", "cat", "/root/mine"), "mine\n")
        self.assertEqual(self.vsd.ok("exec", "two", "--", "hostname"), "two\n")
        self.vsd.ok("stop", "two")
        self.vsd.ok("rename", "two", "three")
        self.vsd.ok("start", "three")
        self.assertEqual(self.vsd.ok("exec", "three", "--", "cat", "/root/mine"), "mine\n")
        self.assertIn("vc-three", self.volumes())

    def test_a_snapshot_brings_the_data_back_and_nothing_else(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start")
        write = ("exec", "one", "--", "sh", "-c")
        self.vsd.ok(*write, "echo first >/root/mine; sync")
        self.vsd.ok("snapshot", "create", "one", "--name", "before")
        self.vsd.ok(*write, "echo second >/root/mine; sync")
        self.vsd.ok("snapshot", "create", "one")
        listed = self.vsd.json("snapshot", "list", "one")
        self.assertEqual((len(listed), listed[0]["name"]), (2, "before"))
        busy = self.vsd.vsctl("snapshot", "restore", "-y", "one", "before")
        self.assertIn(b"cannot restore context 'one': it is running", busy.stderr)
        self.vsd.ok("set", "one", "--tag", "new")
        self.vsd.ok("stop", "one")
        self.vsd.ok("resize", "one", "--disk", "10G")
        self.vsd.ok("snapshot", "restore", "-y", "one", "before")
        self.vsd.ok("start", "one")
        self.assertEqual(self.vsd.ok("exec", "one", "--", "cat", "/root/mine"), "first\n")
        self.assertGreater(self.blocks("one"), 9 << 20)
        self.assertEqual(self.vsd.show("one")["definition"]["tags"], ["new"])
        self.assertEqual(self.vsd.json("snapshot", "list", "one"), listed)
        self.vsd.ok("snapshot", "remove", "-y", "one", "before")
        gone = self.vsd.vsctl("snapshot", "restore", "-y", "one", "before")
        self.assertEqual(gone.returncode, 3)
        self.vsd.ok("stop", "one")
        self.vsd.ok("rename", "one", "two")
        self.assertEqual([s["name"] for s in self.vsd.json("snapshot", "list", "two")], [listed[1]["name"]])

    def test_a_snapshot_of_a_writer_is_a_clean_file_system(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start", "--", "/bin/sh", "-c",
                    "i=0; while :; do i=$((i+1)); echo $i >/root/$i; mv /root/$i /root/last; done")
        for name in ("s1", "s2", "s3"):
            self.vsd.ok("snapshot", "create", "one", "--name", name)
        self.vsd.shell("for s in s1 s2 s3; do e2fsck -fn /dev/vsd-fast/vc-one.$s; done")
        self.assertEqual(self.vsd.state("one"), "running")

    def test_a_volume_grows_while_it_is_written(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start", "--", "/bin/sh", "-c",
                    "i=0; while :; do i=$((i+1)); echo $i >/root/$i; mv /root/$i /root/last; done")
        before = self.blocks("one")
        self.vsd.ok("resize", "one", "--disk", "12G")
        self.assertGreater(self.blocks("one"), before + (3 << 20))
        self.assertEqual(self.vsd.show("one")["definition"]["size"], 12 << 30)
        less = self.vsd.vsctl("resize", "one", "--disk", "9G")
        self.assertIn(b"cannot shrink context 'one' from 12G to 9.0G: it is running", less.stderr)
        count = int(self.vsd.ok("exec", "one", "--", "cat", "/root/last"))
        self.vsd.ok("exec", "one", "--", "sleep", "1")
        self.assertGreater(int(self.vsd.ok("exec", "one", "--", "cat", "/root/last")), count)

    def test_a_stopped_volume_shrinks_to_what_it_holds_at_least(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start")
        self.vsd.ok("exec", "one", "--", "sh", "-c", "dd if=/dev/urandom of=/root/data bs=1M count=100; md5sum /root/data >/root/sum; sync")
        self.vsd.ok("snapshot", "create", "one", "--name", "large")
        self.vsd.ok("stop", "one")
        less = self.vsd.vsctl("resize", "one", "--disk", "64M")
        self.assertEqual(less.returncode, 2, less.stderr)
        self.assertIn(b"holds too much for 64M", less.stderr)
        self.assertEqual(self.volumes(), ["vc-one", "vc-one.large", "vs-pool", "vt-busybox"])
        self.vsd.ok("resize", "one", "--disk", "1G")
        self.assertEqual(self.vsd.show("one")["definition"]["size"], 1 << 30)
        self.vsd.ok("start", "one")
        self.assertLess(self.blocks("one"), 1 << 20)
        self.vsd.ok("exec", "one", "--", "md5sum", "-c", "/root/sum")
        self.vsd.ok("stop", "one")
        self.vsd.ok("snapshot", "restore", "-y", "one", "large")
        self.assertEqual(self.vsd.show("one")["definition"]["size"], 8 << 30)
        self.vsd.ok("start", "one")
        self.vsd.ok("exec", "one", "--", "md5sum", "-c", "/root/sum")

    def test_a_damaged_file_system_is_found_and_mended(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start")
        self.assertIn("nothing is wrong", self.vsd.vsctl("fsck", "one").stderr.decode())
        refused = self.vsd.vsctl("fsck", "--repair", "one")
        self.assertIn(b"cannot mend the file system of context 'one': it is running", refused.stderr)
        self.vsd.ok("stop", "one")
        # A link count that is wrong: nothing of it is noticed without a check.
        self.vsd.shell("lvchange -ay -K vsd-fast/vc-one; debugfs -w -R 'sif /root/etc/hostname links_count 7' /dev/vsd-fast/vc-one")
        done = self.vsd.vsctl("fsck", "one")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"has errors", done.stderr)
        self.assertIn(b"vsctl fsck --repair one", done.stderr)
        self.assertIn("mended", self.vsd.vsctl("fsck", "--repair", "one").stderr.decode())
        self.assertIn("nothing is wrong", self.vsd.vsctl("fsck", "one").stderr.decode())
        self.assertEqual([s["name"][:5] for s in self.vsd.json("snapshot", "list", "one")], ["fsck-"])
        self.vsd.ok("start", "one")
        self.assertEqual(self.vsd.ok("exec", "one", "--", "cat", "/etc/hostname"), "one\n")

    def findings(self, *words):
        done = self.vsd.vsctl("--format", "json", "storage", "check", *words)
        return done.returncode, {f["name"]: f for f in json.loads(done.stdout)["items"]}

    def test_a_check_names_what_is_not_as_it_should_be(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start")
        code, found = self.findings("fast")
        self.assertEqual((code, {f["state"] for f in found.values()}), (0, {"ok"}), found)
        self.assertIn(self.device, found)
        self.assertIn("pool vs-pool", found)
        pool = json.loads(self.vsd.shell("lvs --reportformat json -o lv_tags vsd-fast/vc-one"))["report"][0]["lv"][0]["lv_tags"]
        tag = next(t for t in pool.split(",") if t.startswith("vs.d0"))
        head, body = tag.split("=")
        # Their volume with our name, a definition that somebody has edited, a disk that is read-only.
        self.vsd.shell("lvcreate -qq -y -an -V 1G --thinpool vs-pool -n vc-theirs vsd-fast; "
                       f"lvchange --deltag {tag} --addtag {head}={body[4:]} vsd-fast/vc-one; blockdev --setro {self.device}; "
                       "systemctl restart vsd.service")
        try:
            code, found = self.findings("fast")
            self.assertEqual(code, 1)
            self.assertIn("is not vsd's", found["volume vc-theirs"]["found"])
            self.assertIn("does not tell of its context", found["volume vc-one"]["found"])
            self.assertIn("can only be read", found[self.device]["found"])
            theirs = self.vsd.vsctl("create", "theirs", "--template", "busybox", "--storage", "fast")
            self.assertNotEqual(theirs.returncode, 0)
        finally:
            self.vsd.shell(f"blockdev --setrw {self.device}; lvremove -qq -y vsd-fast/vc-theirs; systemctl restart vsd.service")
        self.vsd.ok("set", "one", "--tag", "again")
        self.assertEqual(self.findings("fast")[0], 0)
        self.assertEqual(self.vsd.vsctl("storage", "check", "nowhere").returncode, 3)

    def test_the_store_can_be_made_again_from_the_volumes(self):
        self.vsd.ok("create", "kept", "--template", "busybox", "--storage", "fast", "--tag", "precious")
        before = self.vsd.show("kept")["definition"]
        self.vsd.ok("set", "kept", "--domain", "example.org")
        self.vsd.shell("systemctl stop vsd.socket vsd.service; sqlite3 /var/lib/vsd/vsd.db 'DELETE FROM contexts; DELETE FROM storages'; "
                       "failed=0; /usr/sbin/vsd --rebuild || failed=$?; systemctl start vsd.socket vsd.service; exit $failed")
        after = self.vsd.show("kept")["definition"]
        self.assertEqual(after.pop("domain"), "example.org")
        before.pop("domain", None)
        self.assertEqual(after, before)

    def test_a_template_is_made_exported_and_removed_there(self):
        self.vsd.ok("template", "import", "there", self.archive, "--storage", "fast", "--init", "command", "--", "/bin/sh")
        self.assertEqual(self.vsd.json("template", "show", "there")[0]["storages"], ["fast"])
        self.vsd.ok("template", "export", "there", "/root/there.tar.zst")
        self.vsd.shell("tar -tf /root/there.tar.zst | grep -q bin/busybox; rm /root/there.tar.zst")
        self.vsd.ok("create", "here", "--template", "there", "--storage", "dir")
        self.assertEqual(self.vsd.json("template", "show", "there")[0]["storages"], ["dir", "fast"])
        self.assertEqual(self.ours(), ["0", "0"])
        self.vsd.ok("template", "remove", "-y", "there")
        self.assertNotIn("vt-there", self.volumes())
        cut = self.vsd.vsctl("template", "import", "cut", "/etc/hostname", "--storage", "fast", "--init", "command", "--", "/x")
        self.assertNotEqual(cut.returncode, 0)
        self.assertNotIn("vt-cut", self.volumes())
        self.assertEqual(self.ours(), ["0", "0"])

    def test_a_running_context_is_exported_while_it_writes(self):
        """From a snapshot of that moment, and one of before; it comes back on either kind of storage."""
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--size", "9G", "--start", "--", "/bin/sh", "-c",
                    "i=$(cat /root/last || echo 0); while :; do i=$((i+1)); echo $i >/root/$i; mv /root/$i /root/last; done")
        self.vsd.ok("snapshot", "create", "one", "--name", "s")
        before = int(self.vsd.ok("exec", "one", "--", "cat", "/root/last"))
        try:
            self.vsd.ok("export", "one", "--file", "/root/now")
            self.vsd.ok("export", "one@s", "--file", "/root/then")
            self.assertEqual((self.volumes(), self.ours()), (["vc-one", "vc-one.s", "vs-pool", "vt-busybox"], ["1", "1"]))
            self.assertEqual(self.vsd.state("one"), "running")
            self.vsd.ok("import", "/root/now", "--name", "two", "--start")
            self.vsd.ok("import", "/root/then", "--name", "three", "--storage", "dir")
        finally:
            self.vsd.shell("rm -f /root/now /root/then")
        self.assertGreaterEqual(int(self.vsd.ok("exec", "two", "--", "cat", "/root/last")), before)
        self.assertEqual(self.vsd.ok("exec", "two", "--", "hostname"), "two\n")
        self.assertEqual((self.vsd.show("two")["definition"]["size"], self.vsd.show("three")["definition"].get("size")), (9 << 30, None))
        self.assertLess(int(self.vsd.shell("cat /var/lib/vsd/volumes/three/root/root/last")), before)

    def test_what_a_killed_lvm_left_in_the_pool_is_put_right(self):
        """Thin devices that LVM's metadata does not know, and devices that stay suspended."""
        create = ("create", "--template", "busybox", "--storage", "fast", "--start")
        self.vsd.ok(*create, "one")
        known = [int(i) for i in self.vsd.shell("lvs --noheadings -o thin_id vsd-fast").split()]
        self.vsd.shell("dmsetup suspend vsd--fast-vc--one; "
                       f"dmsetup message vsd--fast-vs--pool-tpool 0 'create_snap {max(known) + 1} {max(known)}'; "
                       "dmsetup resume vsd--fast-vc--one; dmsetup suspend --nolockfs vsd--fast-vt--busybox; "
                       "systemctl restart vsd.service")
        self.assertEqual(self.vsd.shell("dmsetup info -c --noheadings -o suspended vsd--fast-vt--busybox").strip(), "Active")
        self.vsd.ok(*create, "two")
        self.assertIn("left in the pool", self.vsd.shell("journalctl -u vsd.service -n 20 --no-pager"))
        self.assertEqual(self.vsd.ok("exec", "two", "--", "echo", "well"), "well\n")

    def test_an_operation_is_taken_back_although_its_lvm_left_the_pool_suspended(self):
        """What a vsd that starts asks of lvm would wait for the pool, and vsd would never come up."""
        stays_dead = "/run/systemd/system/vsd.service.d/stays-dead.conf"
        self.vsd.shell(f"mkdir -p {os.path.dirname(stays_dead)}; printf '[Service]\nRestart=no\n' >{stays_dead}; systemctl daemon-reload")
        self.addCleanup(self.vsd.shell, f"rm {stays_dead} {self.vsd.KILL_AT} -f; systemctl daemon-reload; systemctl start vsd.service")
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast")
        self.vsd.die_at("rename/record it")
        self.vsd.vsctl("rename", "one", "two")
        self.assertTrue(self.vsd.died(), "vsd was not killed at this step")
        # A reader that waits, as udev's prober may: it holds up who suspends the volume.
        self.vsd.shell("systemctl stop vsd.socket; lvchange -ay -K vsd-fast/vc-two; dmsetup suspend --nolockfs vsd--fast-vs--pool-tpool; "
                       "setsid dd if=/dev/mapper/vsd--fast-vc--two of=/dev/null bs=64k count=1 skip=5000 iflag=direct "
                       "</dev/null >/dev/null 2>&1 &\n"
                       "systemctl start vsd.socket vsd.service")
        self.vsd.settled()
        self.assertEqual(self.vsd.state("one"), "stopped")
        self.vsd.ok("start", "one")
        self.assertEqual(self.vsd.differences(), [])

    def test_what_cannot_be_is_refused_and_changes_nothing(self):
        add = ("storage", "add", "more")
        for words, code, said in (
                ((*add, "--device", self.device), 5, b"is mounted or part of something else"),
                ((*add, "--device", "/dev/null"), 2, b"is no block device"),
                ((*add, "--vg", "nowhere"), 3, b"no volume group 'nowhere'"),
                ((*add, "--vg", "vsd-fast", "--size", "1G"), 1, b"free, 1.0G are needed"),
                (("storage", "add", "fast", "--vg", "x"), 4, b"exists already"),
                (("storage", "remove", "-y", "dir"), 1, b"always there"),
                (("create", "x", "--template", "busybox", "--storage", "slow"), 3, b"no storage 'slow'")):
            done = self.vsd.vsctl(*words)
            self.assertEqual((words, done.returncode), (words, code), done.stderr)
            self.assertIn(said, done.stderr)
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast")
        done = self.vsd.vsctl("storage", "remove", "-y", "fast")
        self.assertIn(b"it holds one", done.stderr)
        self.assertEqual([s["name"] for s in self.vsd.json("storage", "list")], ["dir", "fast"])

    def test_a_disk_that_holds_data_is_spared_unless_told(self):
        self.vsd.shell("truncate -s 2G /root/other.img; mkfs.ext4 -q -L precious /root/other.img")
        device = self.vsd.shell("losetup --find --show /root/other.img").strip()
        try:
            done = self.vsd.vsctl("storage", "add", "more", "--device", device)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"holds data: ext4 'precious'", done.stderr)
            self.assertIn("destroy", self.vsd.ok("-n", "storage", "add", "more", "--device", device, "--force=wipe"))
            self.vsd.shell(f"dumpe2fs -h {device} 2>/dev/null | grep -q precious")
            self.vsd.ok("storage", "add", "more", "--device", device, "--force=wipe", "-y")
            self.vsd.shell("lvcreate -qq -y -L 4M -n theirs vsd-more")
            self.vsd.ok("storage", "remove", "-y", "more")
            self.assertEqual(self.vsd.shell("lvs --noheadings -o lv_name vsd-more").strip(), "theirs")
            self.vsd.shell("vgremove -qq -y vsd-more")
        finally:
            self.vsd.shell(f"losetup -d {device}; rm /root/other.img")


class Room(Filling, unittest.TestCase):
    def test_no_more_is_promised_than_so_many_times_what_there_is(self):
        create = ("create", "--template", "busybox", "--storage", "fast")
        self.vsd.ok(*create, "one", "--size", "20G")
        refused = self.vsd.vsctl(*create, "two", "--size", "10G")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"storage 'fast' cannot promise 10G more", refused.stderr)
        self.assertIn(b"'overcommit' in vsd.toml(5)", refused.stderr)
        for words in (("clone", "one", "two"), ("resize", "one", "--disk", "40G")):
            self.assertIn(b"cannot promise 20G more", self.vsd.vsctl(*words).stderr)
        self.assertEqual(self.vsd.state("two"), None)
        # A new disk is noticed.
        self.vsd.shell("truncate -s 1G /root/more.img; vgextend -qq vsd-fast $(losetup --find --show /root/more.img)")
        try:
            self.vsd.ok(*create, "two", "--size", "10G")
        finally:
            self.vsd.shell("D=$(losetup -nO NAME -j /root/more.img); vgreduce -qq vsd-fast $D; losetup -d $D; rm /root/more.img")

    def test_a_pool_without_room_for_its_metadata_takes_no_more_snapshots(self):
        """And goes on serving who writes; as soon as there is room again it takes them."""
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start")
        self.vsd.ok("exec", "one", "--", "sh", "-c", "dd if=/dev/zero of=/root/data bs=1M count=300 conv=fsync", timeout=300)
        # The group is full, and the metadata of the pool fill up: each snapshot shares them, each write copies some.
        self.vsd.shell("lvcreate -qq -y -an -l 100%FREE -n theirs vsd-fast")
        scatter = ("i=0; while [ $i -lt 75 ]; do dd if=/dev/urandom of=/root/data bs=4k count=1 seek=$((i*1024)) conv=notrunc 2>/dev/null; "
                   "i=$((i+1)); done; sync")
        for count in range(60):
            self.vsd.ok("exec", "one", "--", "sh", "-c", scatter)
            done = self.vsd.vsctl("snapshot", "create", "one", "--name", f"s{count}")
            if done.returncode != 0:
                break
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"free space in thin pool vsd-fast/vs-pool reached threshold", done.stderr)
        self.assertIn(b"another disk with 'vgextend', or remove snapshots", done.stderr)
        self.assertIn("of its metadata) and cannot grow", self.vsd.json("storage", "show", "fast")[0]["trouble"])
        # What is there can be written, also where it is shared with the last snapshot.
        self.vsd.ok("exec", "one", "--", "sh", "-c", scatter)
        kept = self.vsd.ok("exec", "one", "--", "md5sum", "/root/data")
        self.assertRegex(self.vsd.shell("dmsetup status vsd--fast-vs--pool-tpool"), " rw .* queue_if_no_space - ")
        self.vsd.shell("lvremove -qq -y vsd-fast/theirs")
        self.wait("its metadata have grown", lambda: self.vsd.json("storage", "show", "fast")[0]["metadata"] < 70)
        self.vsd.ok("snapshot", "create", "one", "--name", "late")
        self.assertEqual(self.vsd.ok("exec", "one", "--", "md5sum", "/root/data"), kept)

    def test_who_overwrites_what_a_snapshot_holds_waits_for_room(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "fast", "--start")
        self.vsd.ok("exec", "one", "--", "sh", "-c", "dd if=/dev/zero of=/root/data bs=1M count=800 conv=fsync", timeout=300)
        self.vsd.ok("snapshot", "create", "one", "--name", "early")
        writer = subprocess.Popen([f"{TOP}/lab/lab", "run", self.vsd.host, "vsctl", "exec", "one", "--", "dd", "if=/dev/urandom",
                                   "of=/root/data", "bs=1M", "count=800", "conv=notrunc,fsync"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            mode = "dmsetup status vsd--fast-vs--pool-tpool"
            # It has taken of the reserve by then.
            self.wait("the pool gets full", lambda: b"writers wait for room" in self.vsd.vsctl("storage", "check", "fast").stdout, 200)
            self.wait("the kernel says so too", lambda: "out_of_data_space" in self.vsd.shell(mode))
            self.assertEqual(self.vsd.vsctl("storage", "check", "fast").returncode, 1)
            self.vsd.ok("snapshot", "remove", "-y", "one", "early")
            self.wait("there is room again", lambda: " rw " in self.vsd.shell(mode))
            self.assertEqual(writer.wait(300), 0)
        finally:
            writer.kill()
            writer.wait()
        self.vsd.ok("stop", "one", timeout=200)
        self.assertIn("nothing is wrong", self.vsd.vsctl("fsck", "one").stderr.decode())


CREATE = ("create", "a", "--template", "busybox", "--storage", "fast")
SNAPSHOT = ("snapshot", "create", "a", "--name", "s")


class ThinKills(OnDisk, RandomKills, unittest.TestCase):
    """vsd killed at every step of what works on volumes."""
    vsd = LabVsd("h1")
    SNAPSHOTS = True
    CREATE = CREATE

    def tearDown(self):
        self.vsd.spare()
        self.clear()

    def test_kill_at_each_step_of_create_and_remove(self):
        self.vsd.ok(*CREATE)  # the template is brought once
        self.drive("create", [], CREATE)
        self.drive("remove", [CREATE, SNAPSHOT], ("remove", "-y", "a"))

    def test_kill_at_each_step_of_snapshot_and_resize(self):
        self.vsd.ok(*CREATE)
        self.drive("snapshot create", [CREATE, ("start", "a")], SNAPSHOT)
        self.drive("snapshot restore", [CREATE, SNAPSHOT], ("snapshot", "restore", "-y", "a", "s"))
        self.drive("resize", [CREATE], ("resize", "a", "--disk", "9G"))

    def test_kill_at_each_step_of_a_schedule(self):
        self.keep()
        for step in ("take what is due", "remove what has expired"):
            with self.subTest(step=step):
                self.clear(all=False)
                self.prepare([CREATE, SNAPSHOT, ("start", "a")])
                self.vsd.die_at(f"snapshot auto/{step}")
                self.vsd.ok("snapshot", "schedule", "a", "monthly=1")
                self.assertTrue(self.vsd.died(), "vsd was not killed at this step")
                self.vsd.revive()
                self.wait_snapshots(2)
                self.assertEqual(self.vsd.differences(), [])
                self.vsd.ok("exec", "a", "--", "sh", "-c", "echo more >/root/file; sync", timeout=30)

    def wait_snapshots(self, count):
        deadline = time.monotonic() + 30
        while len(self.vsd.json("snapshot", "list", "a")) < count and time.monotonic() < deadline:
            time.sleep(0.2)
        self.vsd.settled()
        self.assertEqual(sorted(s["by"] for s in self.vsd.json("snapshot", "list", "a")), ["schedule", "user"])

    def test_kill_at_each_step_of_a_comparison(self):
        self.vsd.ok(*CREATE)
        self.drive("snapshot diff", [CREATE, ("start", "a"), SNAPSHOT], ("snapshot", "diff", "a", "s"))

    def test_kill_at_each_step_of_storage_add_and_remove(self):
        self.vsd.shell("truncate -s 2G /root/more.img")
        device = self.vsd.shell("losetup --find --show /root/more.img").strip()
        add, remove = ("storage", "add", "more", "--device", device), ("storage", "remove", "-y", "more")
        try:
            for verb, act, step in (("add", add, "make its volume group and pool"), ("add", add, "record it"),
                                    ("remove", remove, "remove its templates and its pool"), ("remove", remove, "forget it")):
                with self.subTest(verb=verb, step=step):
                    if verb == "remove":
                        self.vsd.ok(*add)
                    self.vsd.die_at(f"storage {verb}/{step}")
                    self.vsd.vsctl(*act)
                    self.assertTrue(self.vsd.died(), "vsd was not killed at this step")
                    self.vsd.revive()
                    self.vsd.settled()
                    if "more" in [s["name"] for s in self.vsd.json("storage", "list")]:
                        self.vsd.ok(*remove)
                    self.assertEqual([s["name"] for s in self.vsd.json("storage", "list")], ["dir", "fast"])
                    self.assertEqual(self.vsd.shell(f"pvs --noheadings -o pv_name | grep -c {device} || true"), "0\n")
        finally:
            self.vsd.shell(f"losetup -d {device}; rm /root/more.img")

    def test_kill_in_an_export_and_an_import(self):
        self.vsd.ok(*CREATE, "--start")
        self.vsd.ok("export", "a", "--file", "/root/kept")
        before = self.picture()
        lost = ("lvs --noheadings -o lv_name vsd-fast | grep -e 'vc-a[.]' -e vc-b || true; "
                "grep -e 'vc-a[.]' -e vc-b /proc/self/mounts || true; ls /root | grep lost || true")
        for step, words in (("export/pack it in a cage", ("export", "a", "--file", "/root/lost")),
                            ("import/unpack it in a cage", ("import", "/root/kept", "--name", "b"))):
            with self.subTest(step=step):
                self.vsd.die_at(step)
                self.vsd.vsctl(*words)
                self.assertTrue(self.vsd.died(), "vsd was not killed at this step")
                self.vsd.revive()
                self.vsd.settled()
                self.assertEqual((self.picture(), self.vsd.differences(), self.vsd.shell(lost)), (before, [], ""))
        self.vsd.shell("rm /root/kept")

    def test_a_file_system_that_was_held_still_goes_on_after_a_kill(self):
        self.vsd.ok(*CREATE, "--start")
        for seconds in (0.2, 0.5, 0.8):
            self.cut(seconds, "snapshot", "create", "a")
            self.vsd.ok("exec", "a", "--", "sh", "-c", "echo more >>/root/file; sync", timeout=30)
        self.assertEqual(self.vsd.differences(), [])


if __name__ == "__main__":
    unittest.main()
