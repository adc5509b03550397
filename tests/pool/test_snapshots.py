"""Snapshots that a schedule takes, under a clock that is set, and what differs from a snapshot."""
import subprocess
import time
import unittest

from support.hosts import TOP
from support.on_disk import OnDisk

CREATE = ("create", "one", "--template", "busybox", "--storage", "fast", "--start")


class Snapshots(OnDisk, unittest.TestCase):
    def tearDown(self):
        for context in self.vsd.json("list"):
            self.vsd.ok("remove", "--kill", "-y", context["definition"]["name"])
        self.assertEqual(self.vsd.json("reconcile"), [])
        self.assertEqual(self.vsd.shell("lvs --noheadings -o lv_name vsd-fast | grep -c 'v[cd]-' || true").strip(), "0")

    def names(self, kind):
        return [s["name"] for s in self.vsd.json("snapshot", "list", "one") if s["name"].startswith(kind)]

    def wait_for(self, question, seconds=20):
        deadline = time.monotonic() + seconds
        while not question():
            self.assertLess(time.monotonic(), deadline, self.vsd.json("snapshot", "list", "one"))
            time.sleep(0.3)
        self.vsd.settled()

    def slot(self):
        """The hourly snapshot that belongs to the host's clock."""
        return "auto-hourly-" + self.vsd.shell("date -u +%Y%m%d-%H00").strip()

    def keep_clock(self):
        """The host gets its time back, with what has passed, at the end."""
        began, up = self.vsd.shell("date +%s; cut -d' ' -f1 /proc/uptime").split()
        self.addCleanup(self.vsd.shell, f"date -s @$(awk '{{print int({began} + $1 - {up})}}' /proc/uptime)")
        self.vsd.shell("date -s \"$(date '+%F %H:10:05')\"")  # so that no slot ends while this runs

    def test_a_schedule_is_kept_under_any_clock_and_takes_away_only_its_own(self):
        self.keep_clock()
        self.vsd.ok(*CREATE)
        self.vsd.ok("snapshot", "create", "one", "--name", "mine")
        self.assertIn("none -> 2 hourly, 3 daily", self.vsd.ok("-n", "snapshot", "schedule", "one", "hourly=2", "daily=3"))
        self.assertEqual(self.vsd.json("snapshot", "schedule", "one"), [])
        self.vsd.ok("snapshot", "schedule", "one", "hourly=2", "daily=3")
        self.wait_for(lambda: len(self.names("auto-")) == 2)
        first = self.slot()
        self.assertEqual(self.names("auto-hourly"), [first])
        rule = self.vsd.json("snapshot", "schedule", "one")[0]
        self.assertEqual((rule["period"], rule["keep"], rule["kept"]), ("hourly", 2, 1))
        self.assertEqual(rule["next"][13:], ":00:00.000Z")
        shown = self.vsd.json("snapshot", "show", "one", first, "mine")
        self.assertEqual([s["by"] for s in shown], ["schedule", "user"])
        self.assertGreater(shown[0]["mapped"], 0)
        refused = self.vsd.vsctl("snapshot", "create", "one", "--name", "auto-mine")
        self.assertEqual(refused.returncode, 2)

        # The clock goes on by an hour, then by five while vsd is down: one is taken for those.
        self.vsd.shell("date -s '+1 hour'")
        second = self.slot()
        self.wait_for(lambda: second in self.names("auto-hourly"))
        self.vsd.shell("systemctl stop vsd.socket vsd.service; date -s '+5 hours'; systemctl start vsd.socket vsd.service")
        third = self.slot()
        self.wait_for(lambda: third in self.names("auto-hourly"))
        self.assertEqual(self.names("auto-hourly"), [second, third])
        # It is put back: those of the time to come are the first to go.
        self.vsd.shell("date -s '-9 hours'")
        earlier = self.slot()
        self.wait_for(lambda: earlier in self.names("auto-hourly"))
        self.assertEqual(sorted(self.names("auto-hourly")), sorted([earlier, third]))
        self.assertEqual(self.names("mine"), ["mine"])

        self.vsd.ok("clone", "one", "two")
        self.assertEqual(self.vsd.json("snapshot", "schedule", "two"), [])
        self.assertEqual(self.vsd.json("snapshot", "list", "two"), [])
        self.vsd.ok("snapshot", "schedule", "one", "off")
        self.assertNotIn("schedule", self.vsd.show("one")["definition"])
        self.assertEqual(len(self.names("auto-hourly")), 2)

    def test_a_snapshot_that_cannot_be_taken_is_told_of_once_and_costs_none(self):
        self.keep_clock()
        self.vsd.ok(*CREATE)
        self.vsd.ok("snapshot", "schedule", "one", "hourly=1")
        self.wait_for(lambda: self.names("auto-"))
        first = self.names("auto-")
        cursor = self.vsd.shell("journalctl -q -u vsd.service -n 1 --show-cursor | sed -n 's/^-- cursor: //p'").strip()
        # An lvm that makes nothing new.
        self.vsd.shell("mkdir -p /root/real; cp /usr/sbin/lvm /root/real/lvm; printf '%s\\n' '#!/bin/sh' "
                       "'[ \"$1\" != lvcreate ] || { echo no room >&2; exit 5; }' 'exec /root/real/lvm \"$@\"' >/root/lvm; "
                       "chmod +x /root/lvm; mount --bind /root/lvm /usr/sbin/lvm; date -s '+1 hour'")
        try:
            self.wait_for(lambda: b"no room" in self.vsd.vsctl("snapshot", "list", "one").stderr)
            self.assertIn(b"cannot be taken", self.vsd.vsctl("snapshot", "schedule", "one").stderr)
            failed = lambda: [o for o in self.vsd.json("operation", "list", "--all") if o["verb"] == "snapshot auto"
                              and o["state"] == "failed" and o["object"] == "one"]
            self.wait_for(lambda: len(failed()) >= 2)
            said = self.vsd.shell(f"journalctl -u vsd.service --after-cursor='{cursor}' --no-pager | grep -c \"'one': its schedule cannot be kept\"")
            self.assertEqual(said.strip(), "1")
            self.assertEqual(self.names("auto-"), first)
        finally:
            self.vsd.shell("umount /usr/sbin/lvm; rm -r /root/real /root/lvm")
        self.vsd.ok("snapshot", "schedule", "one", "hourly=2")
        self.wait_for(lambda: len(self.names("auto-")) == 2)
        self.assertEqual(self.vsd.vsctl("snapshot", "list", "one").stderr, b"")

    def test_a_storage_without_snapshots_keeps_no_schedule(self):
        self.vsd.ok("create", "one", "--template", "busybox", "--storage", "dir")
        done = self.vsd.vsctl("snapshot", "schedule", "one", "hourly=2")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"lies on storage 'dir', which has no snapshots", done.stderr)

    def test_what_differs_is_shown_and_nothing_of_it_stays(self):
        self.vsd.ok(*CREATE)
        inside = ("exec", "one", "--", "sh", "-c")
        self.vsd.ok(*inside, "cd /root; mkdir d; echo 1 >same; echo 1 >d/gone; echo 1 >changed; ln -s /etc link; sync")
        self.vsd.ok("snapshot", "create", "one", "--name", "s1")
        self.vsd.ok(*inside, "cd /root; rm d/gone; echo 22 >changed; chmod 700 d; ln -sfn /bin link; "
                             "printf x >\"$(printf 'a\\033[31mb\\nc')\"; mkdir new; echo >new/file")
        self.vsd.ok("snapshot", "create", "one", "--name", "s2")
        expected = ["+ /root/a\\x1b[31mb\\x0ac", "+ /root/new/", "+ /root/new/file", "- /root/d/gone",
                    "M /root/changed (content)", "M /root/d/ (mode)", "M /root/link (target)"]
        lines = self.vsd.ok("snapshot", "diff", "one", "s1", "s2").splitlines()
        self.assertEqual(sorted(line for line in lines if " /root/" in line), sorted(expected))
        self.vsd.ok(*inside, "echo later >/root/later")
        now = self.vsd.json("snapshot", "diff", "one", "s2", "--filter", "path=/root/*")
        self.assertEqual(now, [{"change": "added", "path": "/root/later", "size": 6, "type": "file", "what": []}])
        self.vsd.ok("stop", "one")
        self.assertIn("+ /root/later", self.vsd.ok("snapshot", "diff", "one", "s2").splitlines())
        self.assertEqual(self.vsd.vsctl("snapshot", "diff", "one", "nowhere").returncode, 3)
        self.assertEqual(self.vsd.vsctl("snapshot", "diff", "one", "s1", "s1").returncode, 2)
        self.assertEqual(self.vsd.shell("grep -c /var/lib/vsd/storage/ /proc/self/mounts || true; dmsetup ls | grep -c '^vsd\\.' || true; "
                                        "lvs --noheadings -o lv_name vsd-fast | grep -c vd- || true").split(), ["0", "0", "0"])

    def test_a_comparison_gives_way_to_a_stop(self):
        self.vsd.ok(*CREATE)
        self.vsd.ok("snapshot", "create", "one", "--name", "s")
        self.vsd.ok("exec", "one", "--", "sh", "-c", f"cd /root; i=0; while [ $i -lt 3000 ]; do : >$i-{'x' * 200}; i=$((i+1)); done")
        # Nobody reads what it says.
        reader = subprocess.Popen([f"{TOP}/lab/lab", "run", self.vsd.host, "sh", "-c",
                                   "vsctl snapshot diff one s 2>/root/diff.err | sleep 12; true"])
        try:
            self.wait_for(lambda: any(o["verb"] == "snapshot diff" for o in self.vsd.json("operation", "list")))
            began = time.monotonic()
            self.vsd.ok("stop", "one")
            self.assertLess(time.monotonic() - began, 10)
            newest = [o for o in self.vsd.json("operation", "list", "--all") if o["verb"] == "snapshot diff"][0]
            self.assertEqual(newest["state"], "cancelled")
        finally:
            reader.wait()


if __name__ == "__main__":
    unittest.main()
