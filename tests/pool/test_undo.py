"""Undoable disks, and contexts that go from storage to storage, on tier thin: what they keep, and vsd killed at every step."""
import unittest

from support.hosts import LabVsd
from support.kills import Killing
from support.on_disk import OnDisk

CREATE = ("create", "a", "--template", "busybox", "--storage", "fast", "--disk", "undoable")


class Undo(OnDisk, Killing, unittest.TestCase):
    vsd = LabVsd("h1")
    SNAPSHOTS = True

    def tearDown(self):
        self.vsd.spare()
        self.clear()
        self.assertEqual(self.vsd.differences(), [])

    def write(self, text):
        self.vsd.ok("exec", "a", "--", "sh", "-c", f"echo {text} >/root/file; sync")

    def read(self):
        return self.vsd.ok("exec", "a", "--", "sh", "-c", "cat /root/file || echo none").strip()

    def snapshots(self):
        return [(s["name"], s["by"]) for s in self.vsd.json("snapshot", "list", "a")]

    def refused(self, said, *words):
        done = self.vsd.vsctl(*words)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(said, done.stderr.decode())

    def test_changes_are_kept_or_discarded_as_the_user_says(self):
        self.vsd.ok(*CREATE, "--start")
        self.assertEqual(self.snapshots(), [("vsd-undo", "undo")])
        self.write("one")
        self.assertIn("+ /root/file", self.vsd.ok("snapshot", "diff", "a", "vsd-undo").splitlines())
        self.vsd.ok("restart", "a")
        self.assertEqual(self.read(), "one")
        self.assertIn("destroy what 'a' changed", self.vsd.ok("-n", "stop", "a", "--undo", "discard"))
        self.vsd.ok("stop", "a", "--undo", "discard")
        self.assertEqual(self.snapshots(), [])
        self.vsd.ok("start", "a")
        self.assertEqual(self.read(), "none")
        self.write("two")
        self.vsd.ok("stop", "a", "--undo", "keep")
        # Nobody says what becomes of the next: it waits.
        self.vsd.ok("start", "a")
        self.write("three")
        self.assertIn("wait for 'vsctl undo a keep'", self.vsd.vsctl("stop", "a").stderr.decode())
        self.refused("neither kept nor discarded", "start", "a")
        self.refused("neither kept nor discarded", "storage", "move", "a", "--to", "dir")
        self.refused("cannot be normal yet", "set", "a", "--disk", "normal")
        self.assertIn("neither kept", " ".join(self.vsd.show("a")["notes"]))
        self.vsd.ok("rename", "a", "b")
        self.vsd.ok("rename", "b", "a")
        self.vsd.ok("undo", "-y", "a", "discard")
        self.refused("not started with an undoable disk", "undo", "a", "keep")
        self.vsd.ok("start", "a")
        self.assertEqual(self.read(), "two")

    def test_an_end_that_nobody_saw_is_settled_as_the_definition_says(self):
        self.vsd.ok(*CREATE, "--at-stop", "discard", "--start")
        self.write("one")
        pid = self.vsd.show("a")["pid"]
        self.vsd.shell(f"systemctl stop vsd.socket vsd.service; kill -9 {pid}; sleep 1; systemctl start vsd.socket vsd.service")
        self.vsd.settled()
        self.assertEqual(self.snapshots(), [])
        self.vsd.ok("start", "a")
        self.assertEqual(self.read(), "none")

    def test_kill_at_each_step_of_a_discard(self):
        """What a user said is done by the vsd that starts."""
        for step in ("clean up", "discard its changes", "remove its undo snapshot"):
            with self.subTest(step=step):
                self.clear()
                self.vsd.ok(*CREATE, "--start")
                self.write("one")
                self.vsd.die_at(f"stop/{step}")
                self.vsd.vsctl("stop", "--kill", "a", "--undo", "discard")
                self.assertTrue(self.vsd.died(), "vsd was not killed at this step")
                self.vsd.revive()
                self.vsd.settled()
                self.assertIn(self.vsd.state("a"), ("stopped", "failed"))  # it was killed
                self.assertEqual(self.snapshots(), [])
                self.vsd.ok("start", "a")
                self.assertEqual(self.read(), "none")

    def test_kill_at_a_start_that_took_its_snapshot(self):
        for step in ("take its undo snapshot", "attach the volume"):
            with self.subTest(step=step):
                self.clear()
                self.vsd.ok(*CREATE)
                self.vsd.die_at(f"start/{step}")
                self.vsd.vsctl("start", "a")
                self.assertTrue(self.vsd.died(), "vsd was not killed at this step")
                self.vsd.revive()
                self.vsd.settled()
                self.assertEqual((self.vsd.state("a"), self.snapshots()), ("stopped", []))
                self.vsd.ok("start", "a")


class Move(OnDisk, Killing, unittest.TestCase):
    vsd = LabVsd("h1")
    CREATE = ("create", "a", "--template", "busybox", "--storage", "fast", "--size", "9G")

    def tearDown(self):
        self.vsd.spare()
        self.clear()
        self.assertEqual(self.vsd.differences(), [])

    def storage(self):
        return self.vsd.show("a")["definition"]["storage"]

    def volumes(self):
        """Where a volume of 'a' is."""
        return self.vsd.shell("ls -d /var/lib/vsd/volumes/a 2>/dev/null || true; "
                              "lvs --noheadings -o lv_name vsd-fast | grep -o vc-a || true").split()

    def test_a_context_goes_there_and_back_with_all_it_is(self):
        self.vsd.ok(*self.CREATE, "--start")
        self.vsd.ok("exec", "a", "--", "sh", "-c", "cd /root; echo data >file; ln file linked; ln -s /etc link; mkdir d; chmod 2751 d; "
                                                    "truncate -s 1G sparse; chown 7:8 file; sync")
        self.vsd.ok("snapshot", "create", "a", "--name", "s")
        look = ("exec", "a", "--", "sh", "-c", "cd /root; stat -c '%n %f %u %g %h %s %Y' * ; cat linked")
        before, definition = self.vsd.ok(*look), self.vsd.show("a")["definition"]
        self.assertIn("it is running", self.vsd.vsctl("storage", "move", "a", "--to", "dir").stderr.decode())
        self.vsd.ok("stop", "a")
        self.assertIn("has 1 snapshot, which cannot go along", self.vsd.vsctl("storage", "move", "a", "--to", "dir").stderr.decode())
        plan = self.vsd.ok("-n", "storage", "move", "a", "--to", "dir", "--force=snapshots")
        self.assertIn("remove the volume 'a' (fast) and its 1 snapshot", plan)
        self.assertEqual(self.volumes(), ["vc-a", "vc-a"])
        self.vsd.ok("storage", "move", "-y", "a", "--to", "dir", "--force=snapshots")
        self.assertEqual(self.volumes(), ["/var/lib/vsd/volumes/a"])
        self.vsd.ok("start", "a")
        self.assertEqual(self.vsd.ok(*look), before)
        self.vsd.ok("stop", "a")
        self.vsd.ok("storage", "move", "a", "--to", "fast")
        self.assertEqual(self.volumes(), ["vc-a"])
        self.vsd.ok("start", "a")
        self.assertEqual(self.vsd.ok(*look), before)
        self.assertEqual(self.vsd.show("a")["definition"], definition)
        self.vsd.shell("test $(lvs --noheadings --units b --nosuffix -o lv_size vsd-fast/vc-a) = 9663676416")

    def test_a_volume_that_is_given_no_size_has_the_configured_one(self):
        self.vsd.ok("create", "a", "--template", "busybox", "--storage", "fast")
        self.vsd.shell("printf '[storage]\\ndefault-size = \"10G\"\\n' >/etc/vsd/vsd.toml.d/size.toml; systemctl restart vsd.service")
        try:
            self.vsd.ok("create", "b", "--template", "busybox", "--storage", "fast", "--start")
            sizes = self.vsd.shell("lvs --noheadings --units g --nosuffix -o lv_size vsd-fast/vc-a vsd-fast/vc-b").split()
            self.assertEqual(sizes, ["8.00", "10.00"])
            self.assertGreater(int(self.vsd.ok("exec", "b", "--", "df", "-k", "/").split("\n")[1].split()[1]), 9 << 20)
        finally:
            self.vsd.shell("rm /etc/vsd/vsd.toml.d/size.toml; systemctl restart vsd.service")

    def test_kill_at_each_step(self):
        before, after = ("fast", ["vc-a"]), ("dir", ["/var/lib/vsd/volumes/a"])
        for step, wanted in (("carry its files over", before), ("record it", before), ("remove the old volume", after)):
            with self.subTest(step=step):
                self.clear()
                self.vsd.ok("create", "a", "--template", "busybox", "--storage", "fast")
                empty = self.census()
                self.vsd.die_at(f"storage move/{step}")
                self.vsd.vsctl("storage", "move", "a", "--to", "dir")
                self.assertTrue(self.vsd.died(), "vsd was not killed at this step")
                self.vsd.revive()
                self.vsd.settled()
                self.assertEqual((self.storage(), self.volumes(), self.vsd.differences()), (*wanted, []))
                self.assertEqual(self.census()["mounts"], empty["mounts"])
                self.vsd.ok("start", "a")


if __name__ == "__main__":
    unittest.main()
