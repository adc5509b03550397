"""Group F: what a context sends that is not its own to send, what it listens to, what it fills."""
import threading
import time

from attack.field import VSD, Attack, begin, clean, host

NETWORK = ("network", "add", "field", "--isolated", "--subnet", "10.66.0.0/24,fd66::/64")
EVERYBODY = "ff" * 6
ALL = "allow to any\nallow from any\n"


def setUpModule():
    begin()
    VSD.ok(*NETWORK)
    VSD.run("sh", "-c", "cat >/root/all.fw", stdin=ALL.encode())


def tearDownModule():
    clean()
    VSD.ok("network", "remove", "-y", "field")
    VSD.run("rm", "-f", "/root/all.fw")


def checksum(data):
    total = sum(int.from_bytes(data[i:i + 2].ljust(2, b"\0"), "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return (~total & 0xffff).to_bytes(2, "big")


def bytes4(address):
    return bytes(int(part) for part in address.split("."))


def bytes6(last):
    """fd66::LAST"""
    return bytes.fromhex("fd66" + "0" * 24) + last.to_bytes(2, "big")


def ethernet(to, source, kind, payload):
    return bytes.fromhex(to.replace(":", "") + source.replace(":", "") + kind) + payload


def arp(operation, mac, address, target):
    return bytes.fromhex(f"00010800060400{operation:02x}") + bytes.fromhex(mac.replace(":", "")) + bytes4(address) \
        + bytes(6) + bytes4(target)


def udp4(source, target, ports, data):
    datagram = ports[0].to_bytes(2, "big") + ports[1].to_bytes(2, "big") + (8 + len(data)).to_bytes(2, "big") + bytes(2) + data
    head = bytes.fromhex("4500") + (20 + len(datagram)).to_bytes(2, "big") + bytes.fromhex("000000004011") + bytes(2) \
        + bytes4(source) + bytes4(target)
    return head[:10] + checksum(head) + head[12:] + datagram


def icmp6(source, target, message):
    pseudo = source + target + len(message).to_bytes(4, "big") + bytes([0, 0, 0, 58])
    message = message[:2] + checksum(pseudo + message[:2] + bytes(2) + message[4:]) + message[4:]
    return bytes.fromhex("60000000") + len(message).to_bytes(2, "big") + bytes([58, 255]) + source + target + message


class Net(Attack):
    """c1 may send anything to anybody, but as itself; c2 takes anything."""
    contexts = {name: ("--address", f"10.66.0.{i},fd66::{i}", "--rules", "/root/all.fw") for name, i in (("c1", 1), ("c2", 2))}

    def mac(self, name):
        return VSD.json("net", name)[0]["mac"]

    def spoofed(self):
        return [rule["packets"] for rule in VSD.json("fw", "show", "c1") if "not from its own" in rule["rule"]][0]

    def arrive(self, *payloads, meanwhile=lambda: None):
        """Which of the frames that c1 sends come to c2, each told by what is at its end."""
        marked = [(payload.ljust(60, b"\0") + b"mark" + bytes([i])).hex() for i, payload in enumerate(payloads)]
        sends = "; ".join(f"vsprobe frame eth0 {frame}" for frame in marked)
        seconds = 10 + len(payloads)
        works = [threading.Thread(target=self.inside, args=(script,), kwargs={"context": name}) for name, script in
                 (("c2", f"exec vsprobe listen eth0 {seconds} >/tmp/heard"), ("c1", f"(sleep 5; {sends}) >/tmp/sent"))]
        for work in works:
            work.start()
        time.sleep(3)
        meanwhile()
        time.sleep(seconds - 2)
        host("systemctl start vsd.socket vsd.service")
        for work in works:
            work.join()
        self.assertEqual(self.inside("cat /tmp/sent").stdout, b"frame ok\n" * len(payloads))
        heard = self.inside("cat /tmp/heard", context="c2").stdout.decode().split("\n")
        self.assertEqual(heard[0], "listening ok")
        return [i for i in range(len(payloads)) if any(line.endswith((b"mark" + bytes([i])).hex()) for line in heard)]

    def frames(self):
        """Those of others, and last one of its own."""
        one, two = self.mac("c1"), self.mac("c2")
        own6, other6, everybody6 = bytes6(1), bytes6(2), bytes.fromhex("ff02" + "0" * 26 + "01")
        advertise = lambda address, mac: bytes.fromhex("8800000020000000") + address + bytes.fromhex("0201" + mac.replace(":", ""))
        router = bytes.fromhex("8600000040000708" + "0" * 16)
        local = bytes.fromhex("fe80" + "0" * 12) + bytes([int(one[:2], 16) ^ 2]) + bytes.fromhex(one[3:8].replace(":", "") + "fffe"
                                                                                           + one[9:].replace(":", ""))
        own = udp4("10.66.0.1", "10.66.0.2", (5000, 5001), b"hello")
        tag = lambda inner: bytes.fromhex("0005") + inner
        return {
            "F1 ARP for another's address": ethernet(EVERYBODY, one, "0806", arp(2, one, "10.66.0.2", "10.66.0.2")),
            "F1 ARP for a gateway": ethernet(EVERYBODY, one, "0806", arp(1, one, "10.66.0.254", "10.66.0.254")),
            "F1 ARP with another MAC address in it": ethernet(EVERYBODY, one, "0806", arp(1, two, "10.66.0.1", "10.66.0.1")),
            "F1 an advertisement of another's address": ethernet("33:33:00:00:00:01", one, "86dd",
                                                                 icmp6(own6, everybody6, advertise(other6, one))),
            "F2 another's MAC address": ethernet(two, "02:00:00:00:00:99", "0800", own),
            "F3 another's IPv4 address": ethernet(two, one, "0800", udp4("10.66.0.99", "10.66.0.2", (5000, 5001), b"hello")),
            "F3 another's IPv6 address": ethernet(two, one, "86dd", icmp6(bytes6(0x99), other6, bytes.fromhex("8000000000010001"))),
            "F5 a router": ethernet("33:33:00:00:00:01", one, "86dd", icmp6(local, everybody6, router)),
            "F5 a DHCP server": ethernet(two, one, "0800", udp4("10.66.0.1", "10.66.0.2", (67, 68), bytes(240))),
            "a tagged frame": ethernet(two, one, "8100", tag(bytes.fromhex("0800") + own)),
            "two tags": ethernet(two, one, "8100", tag(bytes.fromhex("8100") + tag(bytes.fromhex("0800") + own))),
            "a tag of a provider": ethernet(two, one, "88a8", tag(bytes.fromhex("0800") + own)),
            "another protocol": ethernet(two, one, "88cc", b"anything"),
            "its own": ethernet(two, one, "0800", own),
        }

    def test_F1_F2_F3_F5_it_sends_only_as_itself(self):
        frames = self.frames()
        names, before = list(frames), self.spoofed()
        arrived = [names[i] for i in self.arrive(*frames.values())]
        self.assertEqual(arrived, ["its own"])
        self.assertGreaterEqual(self.spoofed() - before, len(names) - 1)

    def test_F7_neither_without_vsd_nor_without_its_firewall(self):
        frames = self.frames()
        some = ["F1 ARP for another's address", "F2 another's MAC address", "F3 another's IPv4 address", "its own"]
        payloads = [frames[name] for name in some]
        stop = lambda: host("systemctl kill -s KILL vsd.service; systemctl stop vsd.socket vsd.service; ! systemctl -q is-active vsd.service")
        self.assertEqual([some[i] for i in self.arrive(*payloads, meanwhile=stop)], ["its own"])
        VSD.ok("net", "c1", "--fw", "down")
        try:
            self.assertEqual([some[i] for i in self.arrive(*payloads)], ["its own"])
        finally:
            VSD.ok("net", "c1", "--fw", "up")

    def test_F6_the_host_is_out_of_reach(self):
        for line in host("ip -br -4 address show scope global | awk '{print $3}'").split():
            address = line.split("/")[0]
            done = self.inside(f"ip route add {address}/32 dev eth0; nc -w 2 {address} 22 </dev/null && echo reached")
            self.assertNotIn(b"reached", done.stdout, address)

    def test_filling_tables_harms_nobody_else(self):
        count = "cat /proc/sys/net/netfilter/nf_conntrack_count 2>/dev/null || echo 0"
        before = int(host(count))
        self.assertEqual(self.probe("flood", "10.66.0.2", "20000"), [("sent", "20000")])
        self.assertLess(int(host(count)) - before, 100)
        # c1 cannot be asked less than before, nor c2: what is remembered is each one's own.
        self.extra("c3", "--address", "10.66.0.3", "--rules", "/root/all.fw")
        self.assertEqual(self.inside("ping -c 1 -W 3 10.66.0.2 >/dev/null && echo yes", context="c3").stdout, b"yes\n")
