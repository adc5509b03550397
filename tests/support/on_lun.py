"""A storage of tier shared on the LUN of the lab, for the tests of a class, and what they do there."""
import json
import subprocess
import threading

from support.hosts import TOP, LabVsd

LUN = "/dev/sda"
# Leases of a dead host are free 8 * io_timeout + watchdog_fire_timeout after its last renewal.
# With less than 30 sanlock leaves no time for vsd-fence: the watchdog would reset the host at once.
IO_TIMEOUT, FIRE_TIMEOUT = 2, 30
HOST_DEAD = 8 * IO_TIMEOUT + FIRE_TIMEOUT
PREPARE = f"""
mkdir -p /etc/sanlock
printf 'io_timeout = {IO_TIMEOUT}\\nwatchdog_fire_timeout = {FIRE_TIMEOUT}\\n' >/etc/sanlock/sanlock.conf
printf 'local {{\\n host_id = %s\\n}}\\n' "$(hostname | tr -dc 0-9)" >/etc/lvm/lvmlocal.conf
printf 'global {{\\n use_lvmlockd = 1\\n lvmlockctl_kill_command = "/usr/libexec/vsd/vsd-fence"\\n}}\\n' >>/etc/lvm/lvmlocal.conf
systemctl -q enable --now wdmd sanlock lvmlockd
"""
# Writes numbers, each on the disk before it is said, as long as nothing fails.
WRITER = "i=0; while i=$((i+1)); echo $i >>/root/log && sync /root/log || exit 1; do echo $i; done"


def at_once(*calls):
    """What each of the calls gave, all begun together."""
    given = [None] * len(calls)

    def run(i):
        given[i] = calls[i]()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


class OnLun:
    """A storage 'pool1' on the LUN, of both hosts."""
    h1, h2 = LabVsd("h1"), LabVsd("h2")
    FS = "ext4"

    @classmethod
    def setUpClass(cls):
        cls.archive = cls.h1.need_busybox()
        cls.refused = cls.h1.vsctl("storage", "add", "pool1", "--tier", "shared", "--device", LUN)
        at_once(*[lambda h=h: h.shell(PREPARE) for h in (cls.h1, cls.h2)])
        cls.h1.ok("storage", "add", "pool1", "--tier", "shared", "--device", LUN, "--fs", cls.FS)
        cls.h2.ok("storage", "add", "pool1", "--tier", "shared", "--vg", "vsd-pool1")

    @classmethod
    def tearDownClass(cls):
        for host in (cls.h1, cls.h2):
            for context in host.json("list"):
                host.vsctl("remove", "--kill", "-y", context["definition"]["name"])
            host.vsctl("storage", "remove", "-y", "pool1")
        for host in (cls.h1, cls.h2):
            host.shell("systemctl disable --now lvmlockd sanlock wdmd; rm -f /etc/lvm/lvmlocal.conf /etc/sanlock/sanlock.conf; "
                       f"touch /etc/lvm/lvmlocal.conf; wipefs -qaf {LUN}; partprobe {LUN} || true")

    def tearDown(self):
        for host in (self.h1, self.h2):
            for context in host.json("list"):
                host.ok("remove", "--kill", "-y", context["definition"]["name"])
        for host in (self.h1, self.h2):
            self.assertEqual(host.differences(), [])
            self.assertEqual(self.in_use(host), [])

    def in_use(self, host):
        """Devices of the group and above it on a host, and locks of volumes; the leases themselves are always there."""
        return host.shell("dmsetup ls | awk '{print $1}' | grep -E '^vsd' | grep -v lvmlock || true; "
                          "lvmlockctl -i | grep 'LK LV' || true").split("\n")[:-1]

    def volumes(self):
        listed = json.loads(self.h1.shell("lvs --nolocking --reportformat json -o lv_name vsd-pool1"))
        return sorted(row["lv_name"] for row in listed["report"][0]["lv"])

    def numbers(self, host):
        """What WRITER has written, which has no gaps; the last of it."""
        lines = host.ok("exec", "web", "--", "cat", "/root/log").split()
        self.assertEqual(lines, [str(i + 1) for i in range(len(lines))])
        return len(lines)

    def write(self, host):
        """WRITER as a process of this machine, whose output says what is on the disk."""
        return subprocess.Popen([f"{TOP}/lab/lab", "run", host.host, "vsctl", "exec", "web", "--", "sh", "-c", WRITER],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def handover(self, host, step, code=0):
        done = host.vsctl("storage", "handover", "web", step)
        self.assertEqual((step, done.returncode), (step, code), done.stderr)
        return done
