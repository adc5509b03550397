"""Networks, links and firewalls of contexts: real packets over the VLAN trunk between two hosts."""
import subprocess
import time
import unittest

from support.hosts import TOP, LabVsd
from support.kills import Killing

NETWORK = ("network", "add", "3", "--subnet", "10.0.3.0/24,2001:db8:3::/64", "--gateway", "10.0.3.1,2001:db8:3::1",
           "--domain", "foo.bar", "--dns", "10.0.3.5,10.0.3.6", "--device", "trunk0")
CREATE = ("create", "web", "--template", "busybox", "--address", "10.0.3.17,2001:db8:3::17")
SERVE = ("--", "/bin/sh", "-c", "echo hello >/root/index.html; exec httpd -f -p 80 -h /root")
# An end point in the VLAN that is no context: the gateway, and somebody else. It knows nothing of vsd.
PEER = """
ip netns add peer; ip link add link trunk0 name peer3 type vlan id 3; ip link set trunk0 up; ip link set peer3 netns peer
ip -n peer link set lo up; ip -n peer link set peer3 up
ip netns exec peer sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.peer3.accept_dad=0
for a in 10.0.3.1/24 10.0.3.200/24 10.0.3.201/24; do ip -n peer address add $a dev peer3; done
for a in 2001:db8:3::1/64 2001:db8:3::200/64; do ip -n peer -6 address add $a dev peer3 nodad; done
"""
# A namespace goes away after the command has ended; the VLAN is to be free at once.
PEER_AWAY = "ip -n peer link del peer3; ip netns del peer"


class Connected:
    """The network 'vlan3' on h1 and h2, and an end point in it on h2."""
    h1, h2 = LabVsd("h1"), LabVsd("h2")

    @classmethod
    def setUpClass(cls):
        for host in (cls.h1, cls.h2):
            host.need_busybox()
            host.ok(*NETWORK)
        cls.h2.shell(PEER)

    @classmethod
    def tearDownClass(cls):
        for host in (cls.h1, cls.h2):
            for context in host.json("list"):
                host.vsctl("remove", "--kill", "-y", context["definition"]["name"])
            host.vsctl("network", "remove", "-y", "vlan3")
        cls.h2.shell(PEER_AWAY)

    def tearDown(self):
        for host in (self.h1, self.h2):
            for context in host.json("list"):
                host.ok("remove", "--kill", "-y", context["definition"]["name"])
            self.assertEqual(host.differences(), [])
            self.assertEqual(self.ours(host), [])

    def ours(self, host):
        """Devices and tables of ours on a host."""
        return host.shell("ip -br link | awk '$1 ~ /^vs|^trunk0\\./ {print $1}'; nft list tables | grep -o 'vsd-.*' || true").split()

    def peer(self, *argv):
        """A command of the end point: whether it worked, and what it said."""
        done = self.h2.run("ip", "netns", "exec", "peer", *argv)
        return done.returncode == 0, done.stdout.decode()

    def fetch(self, address, source="10.0.3.200"):
        return self.peer("curl", "-sg", "--max-time", "3", "--interface", source, f"http://{address}/")

    def pings(self, address):
        return self.peer("ping", "-c", "1", "-W", "2", address)[0]

    def mended(self):
        """How many times vsd has put links or rules back."""
        return len([o for o in self.h1.json("operation", "list", "--all") if o["verb"] == "mend links"])

    def wait_for(self, condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.3)

    def rules(self, host, name, *lines):
        host.run("sh", "-c", "cat >/root/rules", stdin=("\n".join(lines) + "\n").encode())
        host.ok("fw", "set", name, "/root/rules")
        host.shell("rm /root/rules")


class Net(Connected, unittest.TestCase):
    def test_a_context_is_reached_by_its_address_and_nothing_else_is(self):
        self.h1.shell("printf '# mine\\nallow from 0/0 to tcp:80\\nallow to 10.0.3.1 to tcp:7, icmp\\n' >/root/rules")
        self.h1.ok(*CREATE, "--rules", "/root/rules", "--start", *SERVE)
        definition = self.h1.show("web")["definition"]
        self.assertEqual((definition["links"][0]["network"], definition["domain"], definition["dns"]),
                         ("vlan3", "foo.bar", ["10.0.3.5", "10.0.3.6"]))
        inside = lambda text: self.h1.ok("exec", "web", "--", "sh", "-c", text)
        self.assertIn("10.0.3.17 web.foo.bar web", inside("cat /etc/hosts"))
        self.assertIn("nameserver 10.0.3.6", inside("cat /etc/resolv.conf"))
        self.assertEqual(self.ours(self.h1), ["trunk0.3@trunk0", "vsb-vlan3", f"vs0-web@if{inside('cat /sys/class/net/eth0/ifindex').strip()}", "vsd-web"])
        self.assertEqual(self.fetch("10.0.3.17"), (True, "hello\n"))
        # IPv6 is never wider than what was said of it; neither is anything that no rule names.
        self.assertFalse(self.fetch("[2001:db8:3::17]", "2001:db8:3::200")[0])
        self.assertFalse(self.pings("10.0.3.17"))
        self.assertFalse(self.peer("nc", "-zw2", "10.0.3.17", "81")[0])
        self.assertEqual(inside("ping -c 1 -W 2 10.0.3.1 >/dev/null && echo yes"), "yes\n")
        self.assertEqual(inside("ping -c 1 -W 2 10.0.3.201 >/dev/null || echo no"), "no\n")
        # The host itself is not in that network, and no way leads to it.
        self.assertNotEqual(self.h1.run("curl", "-s", "--max-time", "2", "http://10.0.3.17/").returncode, 0)
        links = self.h1.json("net", "web")
        self.assertEqual((links[0]["connected"], links[0]["gateways"], links[0]["vlan"]), (True, ["10.0.3.1", "2001:db8:3::1"], 3))
        self.assertGreater(links[0]["received"], 100)
        counted = {rule["rule"]: rule["packets"] for rule in self.h1.json("fw", "show", "web")}
        self.assertGreater(counted["allow from 0/0 to tcp:80"], 0)
        self.assertGreater(counted["(no rule fits: denied)"], 0)
        self.h1.ok("stop", "web")
        self.assertEqual(self.ours(self.h1), [])

    def test_rules_change_while_it_runs(self):
        self.h1.ok(*CREATE, "--start", *SERVE)
        self.assertFalse(self.fetch("10.0.3.17")[0])
        self.rules(self.h1, "web", "set few = 10.0.3.201", "allow from @few to tcp:80")
        self.assertEqual((self.fetch("10.0.3.17")[0], self.fetch("10.0.3.17", "10.0.3.201")[0]), (False, True))
        allowed = self.h1.vsctl("fw", "test", "web", "from", "10.0.3.201", "to", "tcp:80")
        self.assertEqual((allowed.returncode, allowed.stdout), (0, b"allowed by web.fw:2: allow from @few to tcp:80\n"))
        denied = self.h1.vsctl("fw", "test", "web", "from", "10.0.3.200", "to", "tcp:80")
        self.assertEqual((denied.returncode, denied.stdout), (1, b"denied: no rule fits\n"))
        # What was allowed goes on to its end, also where new rules would not allow it.
        self.h1.ok("exec", "web", "--", "sh", "-c", "dd if=/dev/zero of=/root/big bs=1M count=3 2>/dev/null")
        download = subprocess.Popen([f"{TOP}/lab/lab", "run", "h2", "ip", "netns", "exec", "peer", "curl", "-s", "--max-time", "60",
                                     "--limit-rate", "300k", "--interface", "10.0.3.201", "-o", "/dev/null", "-w", "%{size_download}",
                                     "http://10.0.3.17/big"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        time.sleep(4)
        self.rules(self.h1, "web", "allow from 10.0.3.200 to tcp:80")
        self.assertIsNone(download.poll())
        self.assertEqual(self.fetch("10.0.3.17", "10.0.3.201")[0], False)
        self.assertEqual(download.communicate(timeout=90)[0], b"3145728")
        self.rules(self.h1, "web", "allow from 10.0.3.201 to tcp:80")
        self.h1.ok("net", "web", "--fw", "down")
        self.assertTrue(self.fetch("10.0.3.17")[0])
        # Without its routes it reaches nobody beyond its network.
        routes = lambda: self.h1.ok("exec", "web", "--", "sh", "-c", "ip route; ip -6 route").count("default")
        self.assertEqual(routes(), 2)
        self.h1.ok("net", "web", "--route", "down")
        self.h1.ok("net", "web", "--route", "down")
        self.assertEqual((routes(), self.fetch("10.0.3.17")[0]), (0, True))
        self.h1.ok("net", "web", "--route", "up")
        self.assertEqual(routes(), 2)
        self.assertTrue(self.pings("10.0.3.17"))
        self.h1.ok("net", "web", "--fw", "up")
        self.assertFalse(self.fetch("10.0.3.17")[0])
        self.h1.ok("net", "web", "--vlan", "down")
        self.assertFalse(self.fetch("10.0.3.17", "10.0.3.201")[0])
        self.assertEqual(self.h1.json("net", "web")[0]["connected"], False)
        self.h1.ok("net", "web", "--vlan", "up")
        self.assertTrue(self.fetch("10.0.3.17", "10.0.3.201")[0])

    def test_contexts_are_held_apart_on_one_host_and_between_hosts(self):
        # A VLAN of a device is one device: while the end point has it, no context of h2 can.
        taken = self.h2.vsctl("create", "far", "--template", "busybox", "--address", "10.0.3.19", "--start")
        self.assertEqual(taken.returncode, 4)
        self.assertIn(b"VLAN 3 of 'trunk0' has a device already, which vsd has not made", taken.stderr)
        self.h2.ok("remove", "-y", "far")
        self.h2.shell(PEER_AWAY)
        self.addCleanup(self.h2.shell, PEER)
        self.h1.ok(*CREATE, "--start", *SERVE)
        self.h1.ok("create", "near", "--template", "busybox", "--address", "10.0.3.18", "--start")
        self.h2.ok("create", "far", "--template", "busybox", "--address", "10.0.3.19", "--start")
        fetch = lambda host, name: host.vsctl("exec", name, "--", "timeout", "5", "wget", "-qO-", "http://10.0.3.17/").stdout
        for host, name in ((self.h1, "near"), (self.h2, "far")):
            self.assertEqual(fetch(host, name), b"")
        self.rules(self.h1, "web", "allow from 10.0.3.18,10.0.3.19 to tcp:80")
        for host, name in ((self.h1, "near"), (self.h2, "far")):
            self.assertEqual(fetch(host, name), b"")  # it may not ask
            self.rules(host, name, "allow to 10.0.3.17 to tcp:80")
            self.assertEqual(fetch(host, name), b"hello\n")
        # It cannot take another's address.
        self.h1.ok("exec", "near", "--", "sh", "-c", "ip address del 10.0.3.18/24 dev eth0; ip address add 10.0.3.200/24 dev eth0")
        self.assertEqual(fetch(self.h1, "near"), b"")
        self.assertGreater({r["rule"]: r["packets"] for r in self.h1.json("fw", "show", "near")}["(not from its own addresses: refused)"], 0)

    def test_what_was_broken_by_hand_is_mended(self):
        self.h1.ok(*CREATE, "--start", *SERVE)
        self.rules(self.h1, "web", "allow from any to tcp:80")
        self.h1.shell("nft add table inet mine; nft add chain inet mine c")
        try:
            for harm in ("nft flush ruleset; nft add table inet mine", "nft flush chain netdev vsd-web from4", "ip link del vsb-vlan3",
                         "ip link del vs0-web", "ip link del trunk0.3",
                         # While vsd is away: it looks when it starts.
                         "systemctl stop vsd.socket vsd.service; nft flush ruleset; nft add table inet mine; systemctl start vsd.socket vsd.service"):
                with self.subTest(harm=harm):
                    mended = self.mended()
                    self.h1.shell(harm)
                    self.wait_for(lambda: self.mended() > mended and not self.h1.json("operation", "list"))
                    self.assertEqual(self.h1.differences(), [])
                    self.assertTrue(self.fetch("10.0.3.17")[0])
                    self.assertFalse(self.pings("10.0.3.17"))
            # What was taken off the wire stays off it.
            self.h1.ok("net", "web", "--vlan", "down")
            mended = self.mended()
            self.h1.shell("nft delete table netdev vsd-web")
            self.wait_for(lambda: self.mended() > mended)
            self.assertFalse(self.h1.json("net", "web")[0]["connected"])
            self.h1.ok("net", "web", "--vlan", "up")
            self.h1.shell("nft list table inet mine")
            # A trunk that goes down and comes up again; a vsd that ends.
            self.h1.shell("ip link set trunk0 down; sleep 1; ip link set trunk0 up; systemctl kill -s KILL vsd.service")
            self.assertTrue(self.fetch("10.0.3.17")[0])
            self.h1.settled()
            self.assertEqual(self.h1.differences(), [])
        finally:
            self.h1.shell("nft delete table inet mine")

    def test_what_cannot_be_is_refused_by_name(self):
        create = ("create", "x", "--template", "busybox", "--address")
        self.h1.ok(*CREATE)
        for words, code, said in (
                ((*create, "10.0.4.7"), 2, b"10.0.4.7"),
                ((*create, "10.0.3.0"), 2, b"10.0.3.0"),
                ((*create, "10.0.3.255"), 2, b"10.0.3.255"),
                ((*create, "10.0.3.1"), 2, b"gateway"),
                ((*create, "10.0.3.17"), 2, b"it is that of context 'web'"),
                ((*create, "10.0.3.300"), 2, b"is neither an IPv4 nor an IPv6 address"),
                ((*create[:-1], "--network", "lan"), 3, b"there is no network 'lan'"),
                (("network", "add", "3", "--subnet", "10.1.0.0/16"), 4, b"network 'vlan3' exists already"),
                (("network", "add", "other", "--vlan", "3", "--device", "trunk0", "--subnet", "10.1.0.0/16"), 2, b"VLAN 3"),
                (("network", "import", "/dev/null"), 2, b"there is no network in it"),
                (("network", "add", "7", "--subnet", "10.1.0.0/16"), 2, b"has no device, and this host names none"),
                (("network", "remove", "-y", "vlan3"), 1, b"cannot remove network 'vlan3': web is linked to it"),
                (("set", "web", "--address", "10.0.9.1"), 2, b"10.0.9.1"),
                (("net", "web", "--vlan", "down"), 1, b"cannot switch the links of context 'web': it is stopped")):
            done = self.h1.vsctl(*words)
            self.assertEqual((words, done.returncode), (words, code), done.stderr)
            self.assertIn(said, done.stderr)
        bad = self.h1.run("sh", "-c", "printf 'allow from 0/0 to tcp:80\\n\\nallow form x\\n' >/root/rules; vsctl fw check /root/rules")
        self.assertEqual(bad.returncode, 2)
        self.assertIn(b"/root/rules:3:", bad.stderr)
        self.h1.ok("start", "web")
        busy = self.h1.vsctl("set", "web", "--address", "10.0.3.20")
        self.assertIn(b"cannot change the links of context 'web': it is running", busy.stderr)
        self.assertEqual(self.h1.json("network", "list")[0]["contexts"], ["web"])
        self.h1.ok("stop", "web")
        self.h1.ok("clone", "web", "copy")
        self.assertNotIn("links", self.h1.show("copy")["definition"])
        # A trunk that is not there: told at the start, and nothing stays.
        self.h1.ok("network", "add", "8", "--subnet", "10.0.8.0/24", "--device", "nowhere0")
        try:
            self.h1.ok("set", "copy", "--address", "10.0.8.2")
            done = self.h1.vsctl("start", "copy")
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(b"nowhere0", done.stderr)
            self.assertEqual((self.h1.state("copy"), self.ours(self.h1)), ("stopped", []))
        finally:
            self.h1.ok("remove", "-y", "copy")
            self.h1.ok("network", "remove", "-y", "vlan8")

    def test_a_network_behind_its_host(self):
        """Contexts ask others by the host's address; nobody asks them, and they do not reach the host."""
        self.h1.ok("network", "add", "lan", "--nat", "--subnet", "10.0.9.0/24", "--gateway", "10.0.9.1")
        self.h2.shell("mkdir -p /root/served; echo elsewhere >/root/served/index.html; "
                      "systemd-run -q --unit served python3 -m http.server -d /root/served 8000; ip route add 10.0.9.0/24 via 10.77.0.11")
        try:
            forwarded = self.h1.shell("cat /proc/sys/net/ipv4/ip_forward")
            self.h1.ok("create", "web", "--template", "busybox", "--address", "10.0.9.2", "--start", *SERVE)
            ask = lambda address: self.h1.vsctl("exec", "web", "--", "timeout", "5", "wget", "-qO-", f"http://{address}/").stdout
            self.assertEqual(ask("10.77.0.12:8000"), b"")
            self.rules(self.h1, "web", "allow to any", "allow from any")
            self.assertEqual(ask("10.77.0.12:8000"), b"elsewhere\n")
            self.assertIn("10.77.0.11", self.h2.shell("journalctl -u served --no-pager | tail -n 1"))
            # The host's services, whatever address they are asked by; and whoever sends to it by way of the host.
            for address in ("10.0.9.1:22", "10.77.0.11:22"):
                self.assertNotEqual(self.h1.vsctl("exec", "web", "--", "timeout", "3", "nc", "-z", *address.split(":")).returncode, 0)
            self.assertNotEqual(self.h2.run("curl", "-s", "--max-time", "3", "http://10.0.9.2/").returncode, 0)
            self.assertEqual(self.h1.shell("curl -s --max-time 3 http://10.0.9.2/"), "hello\n")
            # But where a port of the host leads to it.
            self.h1.ok("set", "web", "--forward", "tcp:8080:80")
            self.assertEqual(self.h2.shell("curl -s --max-time 3 http://10.77.0.11:8080/"), "hello\n")
            self.assertEqual(self.h1.shell("curl -s --max-time 3 http://10.77.0.11:8080/"), "hello\n")
            taken = self.h1.vsctl("create", "other", "--template", "busybox", "--address", "10.0.9.3", "--forward", "tcp:8080")
            self.assertIn(b"port 8080 of this host cannot lead to context 'other': it leads to 'web'", taken.stderr)
            self.h1.ok("create", "other", "--template", "busybox", "--address", "10.0.9.3", "--start")
            self.h1.ok("remove", "--kill", "-y", "other")
            self.assertEqual(self.h2.shell("curl -s --max-time 3 http://10.77.0.11:8080/"), "hello\n")
            self.h1.ok("restart", "web")
            self.assertEqual(self.h2.shell("curl -s --retry 5 --retry-connrefused --max-time 9 http://10.77.0.11:8080/"), "hello\n")
            self.h1.shell("nft delete table inet vsd-net-lan; ip link del vsb-lan")
            self.assertIn("network 'lan' is not hidden behind this host", str(self.h1.differences()))
            self.h1.ok("reconcile", "--fix")
            self.assertEqual(ask("10.77.0.12:8000"), b"elsewhere\n")
            self.h1.ok("remove", "--kill", "-y", "web")
            self.assertEqual(self.ours(self.h1), [])
        finally:
            self.h1.shell(f"echo {forwarded.strip()} >/proc/sys/net/ipv4/ip_forward")
            self.h1.ok("network", "remove", "-y", "lan")
            self.h2.shell("systemctl stop served; rm -r /root/served; ip route del 10.0.9.0/24")
        refused = self.h1.vsctl("network", "add", "six", "--nat", "--subnet", "2001:db8:9::/64", "--gateway", "2001:db8:9::1")
        self.assertIn(b"a nat network has no IPv6", refused.stderr)

    def test_an_address_that_somebody_has_is_refused(self):
        # A busy emulated host may take its time to answer.
        self.h1.shell("printf '[network]\\naddress-probe = 3000\\n' >/etc/vsd/vsd.toml.d/probe.toml; systemctl restart vsd.service")
        self.addCleanup(self.h1.shell, "rm /etc/vsd/vsd.toml.d/probe.toml; systemctl restart vsd.service")
        self.h1.ok("create", "web", "--template", "busybox", "--address", "10.0.3.201,2001:db8:3::200")
        mac = self.h2.shell("ip netns exec peer cat /sys/class/net/peer3/address").strip()
        refused = self.h1.vsctl("start", "web")
        self.assertEqual(refused.returncode, 4)
        self.assertIn(f"cannot have the address 10.0.3.201: in network 'vlan3' the machine with MAC address {mac} has it".encode(), refused.stderr)
        self.assertEqual((self.h1.state("web"), self.ours(self.h1)), ("stopped", []))
        self.h1.ok("set", "web", "--address", "10.0.3.17,2001:db8:3::200")
        self.assertIn(b"cannot have the address 2001:db8:3::200", self.h1.vsctl("start", "web").stderr)
        self.h1.ok("set", "web", "--address", "10.0.3.17")
        self.h1.ok("start", "web")

    def test_a_link_passes_no_more_than_its_rate(self):
        link = "network=vlan3,address=10.0.3.17"
        self.h1.shell("echo 'allow from any to tcp:80\nallow to any to tcp:8000' >/root/rules")
        self.h1.ok("create", "web", "--template", "busybox", "--link", link, "--rules", "/root/rules", "--start", *SERVE)
        self.h1.ok("exec", "web", "--", "sh", "-c", "dd if=/dev/zero of=/root/big bs=1M count=3 2>/dev/null")
        server = subprocess.Popen([f"{TOP}/lab/lab", "run", "h2", "sh", "-c", "mkdir -p /tmp/served; head -c 3M /dev/zero >/tmp/served/big; "
                                   "cd /tmp/served; exec timeout 120 ip netns exec peer python3 -m http.server"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        def out():
            began = time.monotonic()
            self.assertTrue(self.peer("curl", "-sf", "--max-time", "60", "-o", "/dev/null", "http://10.0.3.17/big")[0])
            return time.monotonic() - began
        def in_():
            began = time.monotonic()
            self.h1.ok("exec", "web", "--", "timeout", "60", "wget", "-qO", "/dev/null", "http://10.0.3.1:8000/big")
            return time.monotonic() - began
        try:
            self.wait_for(lambda: self.peer("curl", "-sf", "-o", "/dev/null", "http://10.0.3.1:8000/")[0])
            fast = out(), in_()
            # 3 MiB, of which the burst of 128 KiB comes at once, and in the way out a second's worth more: 6 s and 5 s.
            self.h1.ok("set", "web", "--link", f"{link},rate-out=4Mbit,rate-in=4Mbit")
            slow = out(), in_()
            print("seconds out and in without and with a limit: {:.1f} {:.1f}, {:.1f} {:.1f}".format(*fast, *slow))
            self.assertGreater(slow[0], 4.8)
            self.assertGreater(slow[1], 5.8)
            shown = self.h1.json("net", "web")[0]
            self.assertEqual((shown["rateIn"], shown["rateOut"]), (4000000, 4000000))
            self.h1.ok("restart", "web")
            self.wait_for(lambda: self.fetch("10.0.3.17")[0])
            self.h1.ok("set", "web", "--link", link)
            self.assertLess(out(), max(5, 2 * fast[0]))
        finally:
            server.kill()
            server.wait()
            self.h2.run("rm", "-rf", "/tmp/served")
        refused = self.h1.vsctl("set", "web", "--link", f"{link},rate-out=4M")
        self.assertIn(b"rate-out '4M' has no unit that is known; use bit, kbit, Mbit or Gbit", refused.stderr)

    def test_an_isolated_network_and_several_links(self):
        self.h1.ok("network", "add", "lonely", "--isolated", "--subnet", "192.168.9.0/24")
        try:
            both = ("--network", "lonely", "--address", "10.0.3.17", "--address", "192.168.9.2")
            self.h1.ok("create", "web", "--template", "busybox", *both[2:], "--start", *SERVE)
            self.h1.ok("create", "db", "--template", "busybox", "--link", "network=lonely,address=192.168.9.3", "--start")
            self.rules(self.h1, "web", "allow from 192.168.9.3 to tcp:80")
            self.rules(self.h1, "db", "allow to 192.168.9.2 to tcp:80")
            self.assertEqual(self.h1.ok("exec", "db", "--", "timeout", "5", "wget", "-qO-", "http://192.168.9.2/"), "hello\n")
            self.assertEqual([link["name"] for link in self.h1.json("net", "web")], ["eth0", "eth1"])
            for name in ("web", "db"):
                self.h1.ok("remove", "--kill", "-y", name)
        finally:
            self.h1.ok("network", "remove", "-y", "lonely")


class NetKills(Connected, Killing, unittest.TestCase):
    """vsd killed at the steps of a start and a stop that have to do with links."""
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vsd = cls.h1

    def tearDown(self):
        self.vsd.spare()
        self.clear()
        super().tearDown()

    def test_kill_at_each_step(self):
        create = ("create", "a", "--template", "busybox", "--address", "10.0.3.17")
        self.drive("start", [create], ("start", "a"), ["boot", "announce it"])
        self.drive("set", [create, ("start", "a")], ("set", "a", "--firewall", "off"))
        self.drive("stop", [create, ("start", "a")], ("stop", "a"), ["clean up"])

    def test_kill_at_each_step_behind_the_host(self):
        self.vsd.ok("network", "add", "lan", "--nat", "--subnet", "10.0.9.0/24", "--gateway", "10.0.9.1")
        try:
            create = ("create", "a", "--template", "busybox", "--address", "10.0.9.2", "--forward", "tcp:8080:80")
            self.drive("start", [create], ("start", "a"), ["announce it"])
            self.drive("set", [create, ("start", "a")], ("set", "a", "--forward", "tcp:8081:80"))
            self.drive("stop", [create, ("start", "a")], ("stop", "a"), ["clean up"])
        finally:
            self.clear()
            self.vsd.ok("network", "remove", "-y", "lan")


if __name__ == "__main__":
    unittest.main()
