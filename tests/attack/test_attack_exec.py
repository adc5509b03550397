"""Group C: exec, console, descriptors, and what vsd writes for a context."""
import threading
import unittest

from attack.field import (TEMPLATE, VOLUMES, VSD, Attack, begin, clean, host, import_archive, tree_with)

PROGRAMS = "sha256sum /usr/libexec/vsd/* /usr/bin/vsctl $(readlink /proc/$(systemctl show -p MainPID --value vsd.service)/exe)"

setUpModule = begin
tearDownModule = clean


class Exec(Attack):
    def test_C1_no_descriptor_of_the_caller_comes_along(self):
        done = VSD.run("bash", "-c", "exec 47</etc/shadow 9</; vsctl exec c1 -- sh -c 'ls -l /proc/$$/fd'")
        self.assertEqual(done.returncode, 0, done.stderr)
        links = [line.split(" -> ") for line in done.stdout.decode().splitlines() if " -> " in line]
        self.assertEqual([left.split()[-1] for left, _ in links], ["0", "1", "2"])
        for _, target in links:
            self.assertRegex(target, r"^(pipe|socket):\[\d+\]$")

    def test_C1_no_descriptor_of_the_host_comes_with_its_init(self):
        for pid in self.pids("c1"):
            for link in host(f"find /proc/{pid}/fd -type l -printf '%l\\n'").splitlines():
                self.assertRegex(link, r"^(/dev/console|/dev/pts/\d+|/dev/null|pipe:\[\d+\]|socket:\[\d+\])$", pid)

    def test_C2_C4_a_program_that_comes_in_cannot_be_looked_into_nor_overwritten(self):
        before = host(PROGRAMS)
        watched = []
        watcher = threading.Thread(target=lambda: watched.extend(self.probe("watch", "20")))
        watcher.start()
        host("end=$(($(date +%s) + 16)); while [ $(date +%s) -lt $end ]; do vsctl exec c1 -- true; done")
        watcher.join()
        self.assertGreater(int(dict(watched)["processes"]), 20)
        self.assertEqual([target for what, target in watched if what == "opened"], [])
        for what, target in watched:
            if what == "saw":
                self.assertRegex(target, r"^(/|/bin/(busybox|vsprobe)|/root|/proc|/dev/(console|null|pts/\d+)|(pipe|socket):\[\d+\])$")
        self.assertEqual(host(PROGRAMS), before)

    def test_C2_a_script_whose_interpreter_is_the_helper_gets_nothing_of_it(self):
        before = host(PROGRAMS)
        self.inside("printf '#!/proc/self/exe\\n' >/tmp/trap; chmod +x /tmp/trap")
        done = VSD.vsctl("exec", "c1", "--", "/tmp/trap", "run")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(host(PROGRAMS), before)
        self.assertEqual(self.inside("echo well").stdout, b"well\n")

    def test_C3_no_working_directory_leads_out(self):
        self.inside("ln -sfn /proc/self/fd/3 /tmp/three; ln -sfn /proc/1/root /tmp/root; ln -sfn /proc/1/cwd /tmp/cwd")
        own = dict(self.probe("above"))["root"].split(":")[2]
        places = [f"/proc/self/fd/{fd}" for fd in range(3, 12)] + ["/tmp/three", "/tmp/root", "/tmp/cwd", "/../../../..", "/.."]
        script = "; ".join(f"echo $(vsctl exec --cwd {place} c1 -- ls -di . 2>/dev/null)" for place in places)
        for place, line in zip(places, host(script).splitlines()):
            self.assertIn(line.split()[:1], ([], [own]), place)

    def test_C8_a_line_break_adds_no_second_setting(self):
        before = VSD.show("c1")["definition"]
        for flags in (("--env", "A=1\nB=2"), ("--hostname", "x\ncaps=all"), ("--domain", "a\nnameserver 6.6.6.6"),
                      ("--hosts", "10.0.0.1 a\n10.0.0.2 b"), ("--tag", "a\nb"), ("--dns", "10.0.0.1\nsearch x")):
            self.assertEqual(VSD.vsctl("set", *flags, "c1").returncode, 2, flags)
        self.assertNotEqual(VSD.vsctl("exec", "--env", "A=1\nB=2", "c1", "--", "env").returncode, 0)
        self.assertEqual(VSD.show("c1")["definition"], before)

    def test_C9_a_user_that_is_none_is_nobody(self):
        for user in ("4294967295", "4294967296", "4294967297", "65536", "-1", "0x0", "00x", "1:", ":1", "1:4294967296", " 0", "+0"):
            done = VSD.vsctl("exec", f"--user={user}", "c1", "--", "id")
            self.assertEqual((done.returncode, done.stdout), (125, b""), (user, done.stderr))
        for user, uid in (("root", "0"), ("0", "0"), ("1", "1"), ("daemon", "1"), ("65534:65534", "65534")):
            self.assertEqual(VSD.ok("exec", f"--user={user}", "c1", "--", "id", "-u").strip(), uid)

    def test_C12_a_flood_on_the_console_is_bounded(self):
        vsd = host("systemctl show -p MainPID --value vsd.service").strip()
        guest = host("sed -n 's/^guest=//p' /run/vsd/contexts/c1/running").strip()
        before = int(self.status(vsd, "VmRSS")[0].split()[0])
        self.assertEqual(self.inside("yes | head -c 3000000 >/dev/console").returncode, 0)
        sizes = [int(size) for size in host("stat -c %s /var/log/vsd/c1.log /var/log/vsd/c1.log.1").split()]
        self.assertEqual(len(sizes), 2, "it was rotated")
        self.assertLessEqual(max(sizes), (1 << 20) + 4096)
        self.assertLess(int(self.status(vsd, "VmRSS")[0].split()[0]) - before, 10 << 10)
        self.assertLess(int(self.status(guest, "VmRSS")[0].split()[0]), 4 << 10)

    def test_C14_a_context_that_stopped_all_its_processes_can_be_stopped(self):
        self.extra("c3")
        VSD.vsctl("exec", "c3", "--", "sh", "-c", "kill -STOP -1", timeout=20)
        VSD.ok("stop", "--stop-timeout", "2s", "c3", timeout=60)
        self.assertEqual(VSD.state("c3"), "stopped")


    def test_C14_a_frozen_cgroup_for_sessions_is_an_error_and_no_hang(self):
        freeze = "mkdir /sys/fs/cgroup/vsd-exec; echo 1 >/sys/fs/cgroup/vsd-exec/cgroup.freeze; sleep 1000"
        self.addCleanup(VSD.vsctl, "remove", "--kill", "-y", "c3")
        VSD.ok("create", "c3", "--template", TEMPLATE, "--start", "--", "/bin/sh", "-c", freeze)
        group = f"{self.payload('c3')}/vsd-exec"
        host(f"for i in $(seq 100); do [ \"$(cat {group}/cgroup.freeze)\" = 1 ] && break; sleep 0.1; done; [ $i -lt 100 ]")
        done = VSD.vsctl("exec", "c3", "--", "true", timeout=60)
        self.assertEqual(done.returncode, 125)
        self.assertIn(b"timed out", done.stderr)
        self.assertEqual(host(f"cat {group}/cgroup.procs"), "")
        VSD.ok("stop", "--stop-timeout", "2s", "c3", timeout=60)


class Written(unittest.TestCase):
    """Files that vsd writes into a tree, and log files, where the tree leads elsewhere."""
    vsd = VSD
    name = "trap"
    template = TEMPLATE + "-trap"
    victim = "/root/attack-victim"

    def setUp(self):
        host(f"mkdir -p {self.victim}; echo precious >{self.victim}/file; echo ssh-ed25519 AAAA me >{self.victim}.pub")

    def tearDown(self):
        VSD.vsctl("remove", "--kill", "-y", self.name)
        VSD.vsctl("template", "remove", "-y", self.template)
        host(f"rm -rf {self.victim} {self.victim}.pub")

    def state(self):
        return host(f"ls -la {self.victim}; cat {self.victim}/*; sha256sum /etc/hosts /etc/hostname /etc/resolv.conf /etc/shadow")

    def change(self):
        """Everything that makes vsd write into the tree."""
        wish = ("--dns", "10.9.9.9", "--hosts", "10.9.9.9 evil", "--authorized-key", f"{self.victim}.pub")
        VSD.vsctl("set", self.name, "--hostname", "evil", *wish)
        VSD.vsctl("clone", self.name, f"{self.name}2")
        VSD.vsctl("rename", self.name, f"{self.name}3")
        VSD.vsctl("start", f"{self.name}2", f"{self.name}3")
        for name in (f"{self.name}2", f"{self.name}3"):
            VSD.vsctl("remove", "--kill", "-y", name)

    def test_C11_files_written_for_a_context_follow_no_link_out(self):
        out = "../" * 12
        before = self.state()
        for members in ({"etc/hosts": f"{self.victim}/file", "etc/hostname": f"{out}{self.victim[1:]}/file"},
                        {"etc/resolv.conf": f"{self.victim}/made", "root": self.victim},
                        {"root/.ssh": f"{out}{self.victim[1:]}", "etc/hosts": f"{self.victim}/made"}):
            with self.subTest(members=members):
                done = import_archive(self.template, tree_with(members))
                self.assertEqual(done.returncode, 0, done.stderr)
                VSD.vsctl("create", self.name, "--template", self.template, "--dns", "10.9.9.9",
                          "--authorized-key", f"{self.victim}.pub")
                self.change()
                self.assertEqual(self.state(), before)
                VSD.vsctl("remove", "--kill", "-y", self.name)
                VSD.ok("template", "remove", "-y", self.template)

    def test_C11_a_tree_that_leads_out_later_is_not_written_through(self):
        before = self.state()
        self.assertEqual(import_archive(self.template, tree_with({})).returncode, 0)
        VSD.ok("create", self.name, "--template", self.template)
        VSD.ok("set", self.name, "--hostname", "evil", "--authorized-key", f"{self.victim}.pub")
        written = host(f"cd {VOLUMES}/{self.name}/root && cat etc/hostname root/.ssh/authorized_keys")
        self.assertEqual(written, "evil\nssh-ed25519 AAAA me\n", "it does write into a plain tree")
        VSD.ok("remove", "-y", self.name)
        for folder, target in (("etc", "/etc"), ("root", self.victim), ("etc", "../../../../../../etc")):
            with self.subTest(folder=folder, target=target):
                VSD.ok("create", self.name, "--template", self.template)
                host(f"cd {VOLUMES}/{self.name}/root && rm -rf {folder} && ln -s {target} {folder}")
                self.change()
                self.assertEqual(self.state(), before)
                VSD.vsctl("remove", "--kill", "-y", self.name)

    def test_C11_the_log_is_the_consoles_alone(self):
        done = import_archive(self.template, tree_with({"var": None, "var/log": None, "var/log/vsd": None,
                                                        f"var/log/vsd/{self.name}.log": "/etc/shadow"}))
        self.assertEqual(done.returncode, 0, done.stderr)
        VSD.ok("create", self.name, "--template", self.template, "--start")
        before = self.state()
        VSD.ok("exec", self.name, "--", "sh", "-c", "echo said >/dev/console; ln -sf /etc/shadow /dev/console.log;"
               f" ln -sf /etc/shadow /dev/console; ln -sfn /etc/shadow /run/{self.name}.log; echo again >/dev/pts/0")
        log = VSD.ok("log", self.name)
        self.assertIn("said", log)
        self.assertIn("again", log)
        self.assertNotIn("root:", log)
        self.assertEqual(self.state(), before)


if __name__ == "__main__":
    unittest.main()
