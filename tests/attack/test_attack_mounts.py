"""Group B: /proc, /sys, /dev, mounts, control groups."""
import unittest

from attack.field import (SCOPES, TEMPLATE, VOLUMES, VSD, Attack, begin, clean, host, import_archive, tree_with)

COVERED = ("/proc/kcore", "/proc/keys", "/proc/kallsyms", "/proc/timer_list", "/proc/interrupts", "/proc/sched_debug",
           "/proc/acpi", "/proc/scsi", "/sys/firmware", "/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing",
           "/sys/devices/virtual/powercap")
NODES = {"/dev/full": "c1:7", "/dev/null": "c1:3", "/dev/pts/0": "c136:0", "/dev/pts/ptmx": "c5:2",
         "/dev/random": "c1:8", "/dev/tty": "c5:0", "/dev/urandom": "c1:9", "/dev/zero": "c1:5"}
# What an attack on a mount point could change on the host.
HOST_STATE = ("cat /proc/self/mountinfo | sha256sum; cat /proc/sys/kernel/core_pattern; ls -laR /etc | sha256sum; ls -A / /dev;"
              " stat -c '%F %t:%T' /dev/null /dev/zero /dev/console /dev/tty; dmesg | grep -c 'sysrq: ' || true")

setUpModule = begin
tearDownModule = clean


class Mounts(Attack):
    def test_B1_what_tells_of_the_host_reads_as_nothing(self):
        for path in COVERED:
            self.assertEqual(self.probe("readable", path), [], path)
        for path in COVERED[:5]:  # the host has something to hide
            self.assertEqual(host(f"head -c1 {path} | wc -c"), "1\n", path)

    def test_B2_covers_cannot_be_taken_away_nor_gone_around(self):
        answers = dict(self.probe("mounts"))
        self.assertEqual(len(answers), 34)
        self.assertEqual({name: answer for name, answer in answers.items() if answer == "ok"}, {})
        for words in ("umount /proc/kcore", "umount -l /proc/kcore", "mount -o remount,rw,bind /proc/sys", "mount -o remount,rw /sys",
                      "mount -t proc p /mnt", "mount -t sysfs s /mnt", "mount --bind /proc /mnt", "mount --move /proc/sys /mnt"):
            self.assertNotEqual(self.inside(f"mkdir -p /mnt; {words}").returncode, 0, words)
        self.assertEqual(self.probe("readable", "/proc/kcore"), [])
        self.assertNotEqual(self.inside("echo 1 >/proc/sys/kernel/panic").returncode, 0)

    def test_B8_no_device_node_is_made(self):
        answers = dict(self.probe("make-nodes", "/tmp"))
        self.assertEqual(len(answers), 7)
        self.assertEqual(set(answers.values()), {"EPERM"}, answers)

    def test_B8_a_device_node_on_its_volume_is_dead(self):
        tree = f"{VOLUMES}/c1/root/tmp"
        self.addCleanup(host, f"rm -f {tree}/disk {tree}/kmsg")
        number = host("stat -c '%Hr %Lr' /dev/vda").strip()
        host(f"mknod -m 666 {tree}/disk b {number}; mknod -m 666 {tree}/kmsg c 1 11; head -c1 {tree}/disk")
        for node in ("disk", "kmsg"):
            done = self.inside(f"head -c1 /tmp/{node}")
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stdout, b"")
            self.assertIn(b"Permission denied", done.stderr)

    def test_B8_in_its_cgroup_even_the_hosts_root_opens_no_other_device(self):
        self.inside("true")  # makes the cgroup of sessions
        group = f"{self.payload('c1')}/vsd-exec/cgroup.procs"
        script = f"echo $$ >{group}; head -c1 /dev/zero | wc -c; head -c1 /dev/vda || true; head -c1 /dev/kmsg || true"
        done = VSD.run("sh", "-c", script)
        self.assertEqual((done.returncode, done.stdout), (0, b"1\n"))
        self.assertEqual(done.stderr.count(b"Operation not permitted"), 2, done.stderr)

    def test_B9_dev_is_exactly_the_table(self):
        self.assertEqual(dict(self.probe("nodes", "/dev")), NODES)

    def test_B9_elsewhere_there_is_no_node_but_the_covers(self):
        elsewhere = {path: kind for path, kind in self.probe("nodes", "/") if not path.startswith("/dev/")}
        self.assertLessEqual(set(elsewhere), set(COVERED))
        self.assertLessEqual(set(elsewhere.values()), {"c1:3"})

    def test_B10_in_sys_only_the_delegated_cgroup_files_can_be_written(self):
        names = {path for path, _ in self.probe("writable", "/sys")}
        delegated = {name for name in names if name.startswith("/sys/fs/cgroup/")}
        self.assertEqual(names, delegated)
        self.assertIn("/sys/fs/cgroup/cgroup.procs", delegated)
        self.assertLessEqual({name.split("/")[-1] for name in delegated},
                             {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"})

    def test_B11_in_proc_only_its_own_network_can_be_written(self):
        names = [path for path, _ in self.probe("writable", "/proc")]
        self.assertEqual([name for name in names if not name.startswith("/proc/sys/net/")], [])
        self.assertIn("/proc/sys/net/core/somaxconn", names)
        keys = "cat /proc/sys/net/core/somaxconn /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/rp_filter"
        before = host(keys)
        self.assertEqual(self.inside("echo 77 >/proc/sys/net/core/somaxconn; echo 1 >/proc/sys/net/ipv4/ip_forward").returncode, 0)
        self.assertEqual(host(keys), before)

    def test_B16_no_mount_shows_more_of_a_file_system_than_its_own_tree(self):
        for line in host(f"cat /proc/{self.init('c1')}/mountinfo").splitlines():
            fields = line.split(" ")
            kind, source = line.split(" - ")[1].split(" ")[:2]
            if source.startswith("/dev/"):
                self.assertEqual(fields[3], f"{VOLUMES}/c1/root", line)
            elif kind == "devtmpfs":
                self.assertIn(fields[3], ("/null", "/zero", "/full", "/random", "/urandom", "/tty"), line)


class Limits(Attack):
    contexts = {"c1": ("--memory", "64M", "--swap", "1M", "--pids", "64"), "c2": ()}

    def limits(self):
        return host(f"cd {self.payload('c1')} && cat memory.max pids.max memory.swap.max").split()

    def test_B12_limits_are_not_lifted(self):
        before = self.limits()
        self.assertEqual(before, [str(64 << 20), "64", str(1 << 20)])
        for file in ("memory.max", "pids.max", "memory.swap.max", "cpu.max", "cgroup.freeze", "memory.high"):
            self.assertNotEqual(self.inside(f"echo max >/sys/fs/cgroup/{file}").returncode, 0, file)
            self.assertNotEqual(self.inside(f"mkdir -p /mnt; mount -t cgroup2 c /mnt; echo max >/mnt/{file}").returncode, 0, file)
        self.assertEqual(self.limits(), before)

    def test_B12_no_process_leaves_its_cgroup(self):
        self.inside("mkdir -p /mnt; mount -t cgroup2 c /mnt")
        self.assertNotIn(b"vs.slice", self.inside("find /mnt /sys/fs/cgroup -type d").stdout)
        for group in ("/sys/fs/cgroup/..", "/mnt/..", "/mnt/../monitor", "/proc/1/root/sys/fs/cgroup/.."):
            self.inside(f"sleep 60 >/dev/null 2>&1 </dev/null & echo $! >{group}/cgroup.procs")
        base = VSD.show("c1")["definition"]["idBase"]
        groups = host(f"for p in $(ps -eo pid=,uid= | awk '$2 >= {base} && $2 < {base + 65536} {{print $1}}');"
                      " do cat /proc/$p/cgroup; done").split()
        self.assertGreaterEqual(len(groups), 5)
        for group in groups:
            self.assertTrue(group.startswith("0::/vs.slice/vs-c1.scope/payload"), group)

    def test_B12_too_many_processes_are_refused(self):
        answers = dict(self.probe("forks", "500"))
        self.assertEqual(answers["then"], "EAGAIN")
        self.assertLess(int(answers["forks"]), 64)
        self.assertEqual(VSD.state("c2"), "running")

    def test_B12_too_much_memory_kills_only_inside(self):
        vsd = host("systemctl show -p MainPID --value vsd.service")
        kills = f"grep -w oom_kill {self.payload('c1')}/memory.events"
        before = host(kills)
        self.assertNotEqual(self.inside("dd if=/dev/zero of=/dev/shm/much bs=1M count=300").returncode, 0)
        self.inside("rm -f /dev/shm/much")
        self.assertNotEqual(host(kills), before)
        self.assertLessEqual(int(host(f"cat {self.payload('c1')}/memory.peak")), 64 << 20)
        self.assertEqual(host("systemctl show -p MainPID --value vsd.service"), vsd)
        self.assertEqual(VSD.state("c2"), "running")


class HostileTrees(unittest.TestCase):
    vsd = VSD
    name = "trap"
    template = TEMPLATE + "-trap"

    def tearDown(self):
        VSD.vsctl("remove", "--kill", "-y", self.name)
        VSD.vsctl("template", "remove", "-y", self.template)

    def start(self, members):
        """How its start ends, on a host that is as it was."""
        done = import_archive(self.template, tree_with(members))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.before = host(HOST_STATE)
        VSD.ok("create", self.name, "--template", self.template)
        return VSD.vsctl("start", self.name)

    def refused(self, name, target):
        """As a link in an archive it is not imported; planted in a volume, its context does not start."""
        done = import_archive(self.template, tree_with({name: target}))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(f"'/{name}' of the tree is no plain directory", done.stderr.decode())
        self.assertEqual(import_archive(self.template, tree_with({})).returncode, 0)
        VSD.ok("create", self.name, "--template", self.template)
        host(f"cd {VOLUMES}/{self.name}/root && rmdir {name} && ln -s {target} {name}")
        before = host(HOST_STATE)
        done = VSD.vsctl("start", self.name)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Not a directory", done.stderr.decode())
        self.assertEqual(VSD.state(self.name), "stopped")
        self.assertEqual(host(HOST_STATE), before)
        self.assertEqual(host(f"ls {SCOPES} | grep vs-{self.name} || true"), "")

    def inside(self, script):
        return VSD.ok("exec", self.name, "--", "sh", "-c", script)

    def test_B3_null_of_the_tree_is_never_used(self):
        done = self.start({"dev": None, "dev/null": "/proc/sys/kernel/core_pattern", "dev/zero": "/etc/shadow"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.inside("echo '|/tmp/x' >/dev/null")
        self.assertEqual(self.inside("stat -c '%F %t:%T' /dev/null /proc/kcore"), "character special file 1:3\n" * 2)
        self.assertEqual(host(HOST_STATE), self.before)

    def test_B4_console_and_terminals_of_the_tree_are_never_used(self):
        done = self.start({"dev": None, "dev/pts": None, "dev/console": "/proc/sysrq-trigger", "dev/pts/0": "/proc/sysrq-trigger",
                           "dev/ptmx": "/proc/sysrq-trigger", "dev/shm": "/"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.inside("echo h-said-here >/dev/console")
        self.assertEqual(self.inside("stat -Lc %F /dev/console /dev/pts/0 /dev/shm"), "character special file\n" * 2 + "directory\n")
        self.assertIn("h-said-here", VSD.ok("log", self.name))
        self.assertEqual(host(HOST_STATE), self.before)

    def test_B5_dev_that_is_a_link_is_refused(self):
        for target in ("/etc", "../../../../../../../etc", "etc"):
            with self.subTest(target=target):
                self.refused("dev", target)
                self.tearDown()

    def test_B6_proc_sys_and_run_that_are_links_are_refused(self):
        for name in ("proc", "sys", "run"):
            with self.subTest(name=name):
                self.refused(name, "/etc")
                self.tearDown()

    def test_B6_a_forged_proc_is_covered_by_the_real_one(self):
        done = self.start({"proc": None, "proc/self": None, "proc/self/attr": None, "proc/self/attr/exec": b"forged\n",
                           "proc/sys": None, "proc/sys/kernel": None, "proc/sys/kernel/core_pattern": b"forged\n"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.inside("grep ' /proc ' /proc/mounts | cut -d' ' -f3"), "proc\n")
        self.assertEqual(self.inside("cat /proc/sys/kernel/core_pattern"), host("cat /proc/sys/kernel/core_pattern"))

    def test_B7_mount_points_exchanged_for_links_meanwhile_lead_nowhere(self):
        done = import_archive(self.template, tree_with({"evil": "/etc"}))
        self.assertEqual(done.returncode, 0, done.stderr)
        VSD.ok("create", self.name, "--template", self.template)
        tree = f"{VOLUMES}/{self.name}/root"
        host(f"cp {tree}/bin/vsprobe /root/vsprobe")
        before = host(HOST_STATE)
        done = VSD.run("sh", "-c", f"/root/vsprobe exchange {tree}/dev {tree}/evil 25 & "
                       "for i in 1 2 3 4 5 6 7 8; do"
                       f" vsctl start {self.name} >/dev/null 2>&1 && echo started && "
                       f" cat /proc/$(vsctl --format json show {self.name} | grep -o '\"pid\": [0-9]*' | tr -dc 0-9)/mountinfo;"
                       f" vsctl stop --kill {self.name} >/dev/null 2>&1; done; wait; rm /root/vsprobe")
        text = done.stdout.decode()
        self.assertRegex(text[-40:], r"exchanged \d{3,}")
        for line in text.splitlines():
            if " - ext4 " in line:
                self.assertEqual(line.split(" ")[3], tree, line)
        self.assertEqual(host(HOST_STATE), before)


if __name__ == "__main__":
    unittest.main()
