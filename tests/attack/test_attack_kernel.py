"""Group A: ids, system calls, capabilities, processes."""
import unittest

from attack.field import VOLUMES, VSD, Attack, begin, clean, host

CAPABILITIES = sum(1 << number for number in (
    0, 1, 2, 3, 4, 5, 6, 7, 8,  # chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap
    9, 10, 11, 12, 13,          # linux_immutable net_bind_service net_broadcast net_admin net_raw
    14, 15, 18, 19, 21,         # ipc_lock ipc_owner sys_chroot sys_ptrace sys_admin
    22, 23, 24, 26,             # sys_boot sys_nice sys_resource sys_tty_config
    28, 29, 31))                # lease audit_write setfcap

CALLS = {
    "acct": "EPERM", "add_key": "ENOSYS", "bpf": "EPERM", "clock_settime": "EPERM", "delete_module": "EPERM",
    "fanotify_init": "ENOSYS", "finit_module": "EPERM", "init_module": "EPERM", "io_uring_setup": "ENOSYS",
    "ioperm": "EPERM", "iopl": "EPERM", "kexec_file_load": "EPERM", "kexec_load": "EPERM", "keyctl": "ENOSYS",
    "lookup_dcookie": "ENOSYS", "memfd_secret": "ENOSYS", "open_by_handle_at": "EPERM", "perf_event_open": "EPERM",
    "pidfd_getfd": "EPERM", "quotactl": "EPERM", "quotactl_fd": "ENOSYS", "request_key": "ENOSYS", "setns": "EPERM",
    "settimeofday": "EPERM", "swapoff": "EPERM", "swapon": "EPERM", "syslog": "EPERM", "userfaultfd": "ENOSYS",
}

setUpModule = begin
tearDownModule = clean


class Kernel(Attack):
    def test_A1_id_ranges_are_disjoint_and_never_the_hosts(self):
        VSD.ok("stop", "--kill", "c2")
        self.addCleanup(VSD.vsctl, "remove", "--kill", "-y", "c3")
        VSD.ok("clone", "c2", "c3")
        VSD.ok("start", "c2", "c3")
        ranges = []
        for name in ("c1", "c2", "c3"):
            uids = host(f"cat /proc/{self.init(name)}/uid_map").split()
            self.assertEqual(host(f"cat /proc/{self.init(name)}/gid_map").split(), uids)
            self.assertEqual((uids[0], uids[2]), ("0", "65536"))
            ranges.append(int(uids[1]))
        ranges.sort()
        self.assertGreaterEqual(ranges[0], 524288)
        for low, high in zip(ranges, ranges[1:]):
            self.assertGreaterEqual(high - low, 65536)

    def test_A2_settings_of_the_kernel_are_not_written(self):
        keys = "kernel/core_pattern kernel/modprobe kernel/panic kernel/sysrq vm/overcommit_memory fs/file-max kernel/hostname"
        read = f"cd /proc/sys && head -n1 {keys}"
        before = host(read)
        for key in keys.split():
            self.assertNotEqual(self.inside(f"echo 1 >/proc/sys/{key}").returncode, 0, key)
            self.assertNotEqual(self.inside(f"sysctl -w {key.replace('/', '.')}=1").returncode, 0, key)
        self.assertEqual(host(read), before)

    def test_A3_sysrq_is_not_triggered(self):
        count = "dmesg | grep -c 'sysrq: ' || true"
        before = host(count)
        self.assertNotEqual(self.inside("echo h >/proc/sysrq-trigger").returncode, 0)
        self.assertEqual(host(count), before)
        host("echo h >/proc/sysrq-trigger")  # it would have been seen
        self.assertNotEqual(host(count), before)

    def test_A4_no_namespace_is_entered_and_the_root_is_the_top(self):
        other = self.inside("sleep 100 >/dev/null 2>&1 </dev/null & echo $!").stdout.decode().strip()
        for pid in ("1", other):
            answers = dict(self.probe("enter", pid))
            self.assertEqual(len(answers), 9)
            self.assertLessEqual(set(answers.values()), {"EPERM", "open-EACCES"}, answers)
        self.assertNotEqual(self.inside("nsenter -t 1 -a stat -c %d:%i /").returncode, 0)
        tops = dict(self.probe("above"))
        own = host(f"stat -c %Hd:%Ld:%i {VOLUMES}/c1/root").strip()
        self.assertEqual(tops, {"root": own, "climbed": own})
        self.assertNotEqual(host("stat -c %Hd:%Ld:%i /").strip(), own)

    def test_A5_no_namespace_is_made(self):
        answers = dict(self.probe("spaces"))
        self.assertEqual(answers.pop("clone3-user"), "ENOSYS")
        self.assertEqual(len(answers), 15)
        self.assertEqual(set(answers.values()), {"EPERM"}, answers)
        for flags in ("-Ur", "-m", "-p", "-n"):
            self.assertNotEqual(self.inside(f"unshare {flags} true").returncode, 0, flags)

    def test_A6_no_cgroup_of_the_first_version_is_mounted(self):
        for mount in ("mount -t cgroup -o rdma c /mnt", "mount -t cgroup -o none,name=x c /mnt",
                      "unshare -UrmC mount -t cgroup -o rdma c /mnt"):
            self.assertNotEqual(self.inside(f"mkdir -p /mnt; {mount}").returncode, 0, mount)
        self.assertNotIn(" cgroup ", host(f"cat /proc/{self.init('c1')}/mounts"))
        self.assertNotIn(" cgroup ", host("cat /proc/mounts"))
        self.assertEqual(self.inside("find /sys/fs/cgroup -name release_agent").stdout, b"")

    def test_A7_dangerous_calls_are_refused(self):
        self.assertEqual(dict(self.probe("calls")), CALLS)

    def test_A7_other_abis_do_not_lead_around_it(self):
        self.assertEqual(dict(self.probe("abis")), {"x86-64": "ok", "x32": "ENOSYS", "i386": "ENOSYS"})

    def test_A7_bits_the_kernel_ignores_do_not_lead_around_it(self):
        self.assertEqual(dict(self.probe("high-bits")), {
            "ioctl-tiocsti": "EPERM", "unshare-newuser": "EPERM", "socket-alg": "EAFNOSUPPORT", "personality": "EPERM"})

    def test_A8_rare_socket_families_are_refused_and_load_no_module(self):
        modules = "lsmod | grep -E '^(af_alg|algif|af_key|can|rds|rxrpc|tipc|vsock|xfrm_user|rds_tcp) ' | cut -d' ' -f1 | sort"
        before = host(modules)
        answers = dict(self.probe("families"))
        useful = {name: answers.pop(name) for name in ("unix", "inet", "netlink-route")}
        self.assertEqual(set(useful.values()), {"ok"}, useful)
        self.assertEqual(len(answers), 13)
        self.assertEqual(set(answers.values()), {"EAFNOSUPPORT"}, answers)
        self.assertEqual(host(modules), before)

    def start_sessions(self):
        """Programs that came in by exec, as root and as another user, and go on."""
        for flags in ([], ["--user", "daemon"]):
            self.assertEqual(self.inside("sleep 100 >/dev/null 2>&1 </dev/null &", *flags).returncode, 0)
        pids = self.pids("c1")
        self.assertGreaterEqual(len(pids), 4, "init, its child and the sessions")
        return pids

    def test_A12_every_process_is_filtered(self):
        for pid in self.start_sessions():
            mode, filters = self.status(pid, "Seccomp", "Seccomp_filters")
            self.assertEqual(mode, "2", pid)
            self.assertGreaterEqual(int(filters), 1)

    def test_A13_no_process_has_more_capabilities_than_the_policy(self):
        users = set()
        for pid in self.start_sessions():
            uids, *sets = self.status(pid, "Uid", "CapInh", "CapAmb", "CapBnd", "CapPrm", "CapEff")
            inheritable, ambient, bounding, permitted, effective = (int(value, 16) for value in sets)
            self.assertEqual((inheritable, ambient, bounding), (0, 0, CAPABILITIES), pid)
            user = int(uids.split()[1]) - VSD.show("c1")["definition"]["idBase"]
            self.assertEqual((permitted, effective), (CAPABILITIES, CAPABILITIES) if user == 0 else (0, 0), (pid, user))
            users.add(user)
        self.assertEqual(users, {0, 1})

    def test_A14_a_set_user_id_file_is_out_of_reach_of_the_hosts_users(self):
        self.inside("cp /bin/busybox /tmp/suidsh; chmod 4755 /tmp/suidsh")
        file = f"{VOLUMES}/c1/root/tmp/suidsh"
        self.assertEqual(host(f"stat -c %a {file}"), "4755\n")
        nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups"
        for path in (file, f"/proc/{self.init('c1')}/root/tmp/suidsh"):
            done = VSD.run("sh", "-c", f"{nobody} sh -c '{path} id' 2>&1")  # setpriv itself still has its capabilities
            self.assertNotEqual(done.returncode, 0, done.stdout)
            self.assertIn(b"Permission denied", done.stdout)
        self.assertNotEqual(VSD.run("sh", "-c", f"{nobody} vsctl list").returncode, 0)


class Ends(Attack):
    """Attacks that end the context they come from."""
    contexts = {"c2": ()}

    def census(self):
        services = "vsd.service ssh.service systemd-journald.service dbus.service"
        return (host("cat /proc/sys/kernel/random/boot_id"), self.init("c2"),
                host(f"systemctl show -p MainPID --value {services}"))

    def test_A17_reboot_and_poweroff_end_only_the_context(self):
        self.extra("c1")
        before, first = self.census(), self.init("c1")
        VSD.vsctl("exec", "c1", "--", "vsprobe", "reboot")
        VSD.wait_state("c1", "running")
        deadline = 40
        while self.init("c1") in (first, None) and deadline > 0:
            VSD.run("sleep", "0.5")
            deadline -= 1
        self.assertNotIn(self.init("c1"), (first, None), "it did not come back")
        VSD.wait_state("c1", "running")
        self.inside("poweroff -f")
        VSD.wait_state("c1", "stopped")
        self.assertEqual(self.census(), before)

    def test_A18_only_its_own_processes_can_be_reached(self):
        self.extra("c1")
        script = "echo self $$; exec vsprobe processes 1 {}".format(int(host("cat /proc/loadavg").split()[-1]) + 100)
        lines = [line.split() for line in self.inside(script).stdout.decode().splitlines()]
        # Its own pids inside, as the host's kernel has them.
        known = {self.status(pid, "NSpid")[0].split()[-1] for pid in self.pids("c1")} | {lines[0][1]}
        self.assertGreater(len(host("ls -d /proc/[0-9]*").split()), 50)
        reached = {pid for _, pid in lines[1:]}
        self.assertIn("1", reached)
        self.assertLessEqual(reached, known)
        self.assertNotIn("pidfd_getfd", {how for how, _ in lines[1:]})

    def test_A18_killing_everybody_kills_nobody_outside(self):
        self.extra("c1")
        before = self.census()
        self.inside("kill -9 -1")
        self.assertEqual(self.census(), before)
        self.assertEqual(VSD.state("c2"), "running")


if __name__ == "__main__":
    unittest.main()
