"""A host that reboots, and one that loses its power: what runs again afterwards, and what is said of the rest."""
import os
import subprocess
import time
import unittest

from pool.test_suspend import COUNTER
from support.hosts import TOP, LabVsd

# Says in its own files that it was asked to end and had the time to.
POLITE = ("/bin/sh", "-c", "trap 'sleep 2; echo ended >>/root/story; exit 0' TERM; echo began >>/root/story; "
          "while :; do sleep 1000 & wait; done")


class Host(unittest.TestCase):
    vsd = LabVsd("h2")

    @classmethod
    def setUpClass(cls):
        cls.vsd.need_busybox()

    def setUp(self):
        self.vsd.ok("create", "auto", "--template", "busybox", "--autostart", "--start", "--", *POLITE)
        self.vsd.ok("create", "manual", "--template", "busybox", "--start", "--", *POLITE)
        self.boot = self.boot_id()

    def tearDown(self):
        for name in ("auto", "manual"):
            self.vsd.ok("remove", "--kill", "-y", name)

    def boot_id(self):
        return self.vsd.run("cat", "/proc/sys/kernel/random/boot_id").stdout

    def story(self, name):
        return self.vsd.shell(f"cat /var/lib/vsd/volumes/{name}/root/root/story").split()

    def wait_for_host(self):
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if self.boot_id() not in (b"", self.boot) and self.vsd.vsctl("info").returncode == 0:
                return
            time.sleep(2)
        self.fail("the host is not back")

    def outcome(self):
        self.vsd.wait_state("auto", "running", seconds=120)
        shown = self.vsd.show("manual")
        self.assertEqual(self.vsd.json("reconcile"), [])
        return shown["state"], shown["ended"]

    def test_a_reboot_ends_contexts_cleanly_and_starts_those_that_are_to_be(self):
        self.vsd.ok("create", "asleep", "--template", "busybox", *COUNTER)
        self.addCleanup(self.vsd.ok, "remove", "--kill", "-y", "asleep")
        self.vsd.ok("start", "asleep")
        time.sleep(5)
        self.vsd.ok("suspend", "asleep")
        count = int(self.vsd.shell("cat /var/lib/vsd/volumes/asleep/root/root/n"))
        self.assertGreater(count, 5)
        self.vsd.run("systemctl", "reboot")
        self.wait_for_host()
        self.assertEqual(self.vsd.state("asleep"), "suspended")
        self.vsd.ok("host", "resume-all")
        self.assertGreaterEqual(int(self.vsd.ok("exec", "asleep", "--", "cat", "/root/n")), count)
        self.assertEqual(self.outcome(), ("stopped", "exited 0"))
        self.assertEqual(self.story("auto"), ["began", "ended", "began"])
        self.assertEqual(self.story("manual"), ["began", "ended"])

    def test_after_a_loss_of_power_it_is_said_how_they_ended(self):
        self.vsd.run("sync")
        for words in (["crash", self.vsd.host], ["boot", self.vsd.host]):
            subprocess.run([f"{TOP}/lab/lab", *words], check=True, env=os.environ)
        self.wait_for_host()
        self.assertEqual(self.outcome(), ("stopped", "its host went down"))
        self.assertEqual(self.story("auto"), ["began", "began"])
        self.assertEqual(self.story("manual"), ["began"])


class Upgrade(unittest.TestCase):
    vsd = LabVsd("h2")

    def test_neither_a_restart_of_the_daemon_nor_a_new_package_touches_contexts(self):
        self.vsd.need_busybox()
        self.vsd.ok("create", "steady", "--template", "busybox", "--start")
        try:
            def picture():
                pid = self.vsd.show("steady")["pid"]
                return pid, self.vsd.shell(f"cut -d' ' -f22 /proc/{pid}/stat; systemctl is-active vsd-contexts.service")
            before = picture()
            daemon = self.vsd.json("info")[0]["pid"]
            self.vsd.shell("systemctl restart vsd.service")
            self.assertNotEqual(self.vsd.json("info")[0]["pid"], daemon)
            self.assertEqual(picture(), before)
            daemon = self.vsd.json("info")[0]["pid"]
            subprocess.run([f"{TOP}/lab/lab", "deploy", "--on", self.vsd.host], check=True, env=os.environ)
            self.assertNotEqual(self.vsd.json("info")[0]["pid"], daemon)
            self.assertEqual(picture(), before)
            self.assertEqual(self.vsd.ok("exec", "steady", "--", "echo", "well"), "well\n")
        finally:
            self.vsd.ok("remove", "--kill", "-y", "steady")


class Reflinks(unittest.TestCase):
    """Tier `dir` on a file system that can share blocks between files."""
    vsd = LabVsd("h2")
    BIG = 64 << 20

    def setUp(self):
        self.vsd.shell("systemctl stop vsd.socket vsd.service; truncate -s 1G /root/xfs.img; mkfs.xfs -q -f /root/xfs.img; "
                       "mount -o loop /root/xfs.img /var/lib/vsd; systemctl start vsd.socket vsd.service")

    def tearDown(self):
        for context in self.vsd.json("list"):
            self.vsd.ok("remove", "--kill", "-y", context["definition"]["name"])
        self.vsd.shell("systemctl stop vsd.socket vsd.service; umount /var/lib/vsd; rm /root/xfs.img; "
                       "systemctl start vsd.socket vsd.service")

    def used(self):
        return int(self.vsd.shell("sync; df --output=used -B1 /var/lib/vsd").split()[-1])

    def test_a_new_context_shares_its_templates_blocks_until_it_writes(self):
        archive = self.vsd.need_busybox()
        self.vsd.shell(f"mkdir /root/tree; cd /root/tree; tar -xf {archive}; head -c {self.BIG} /dev/urandom >big; "
                       "tar -cf /root/big.tar .; cd /; rm -r /root/tree")
        self.vsd.ok("template", "import", "big", "/root/big.tar", "--init", "command", "--", *POLITE)
        self.assertIn("reflink", self.vsd.ok("-n", "create", "one", "--template", "big"))
        before = self.used()
        self.vsd.ok("create", "one", "--template", "big", "--start")
        self.vsd.ok("create", "two", "--template", "big", "--start")
        self.assertLess(self.used() - before, self.BIG // 4)
        self.vsd.ok("exec", "one", "--", "sh", "-c", "echo changed >/big")
        sums = [self.vsd.ok("exec", "two", "--", "sh", "-c", "md5sum </big"),
                self.vsd.shell("md5sum </var/lib/vsd/templates/big/root/big")]
        self.assertEqual(sums[0], sums[1])
        self.assertEqual(self.vsd.ok("exec", "one", "--", "cat", "/big"), "changed\n")


if __name__ == "__main__":
    unittest.main()
