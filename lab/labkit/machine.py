"""One virtual machine: the QEMU command line, its monitor (QMP), its life."""
import json
import pathlib
import socket
import subprocess
import time

from labkit import config
from labkit.command import run
from labkit.report import LabError, last_lines

MEMORY_MIB = 2048


def accelerator():
    """KVM only where the CPU says so: /dev/kvm may exist and still not run a stock kernel."""
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    if " vmx " in flags or " svm " in flags:
        try:
            open("/dev/kvm", "r+b", buffering=0).close()
            return "kvm"
        except OSError:
            pass
    return "tcg,thread=multi"


def processor():
    """What emulation is slow at is left away: byte-wise string instructions (the kernel then copies words), a fifth level of page tables."""
    return "max" if accelerator() == "kvm" else "max,erms=off,la57=off"


def hardware(index):
    """The arguments that make the machine: a saved state fits only the very same ones."""
    machine_id = f"{0x77000000 + index:032x}"
    append = (f"root=/dev/vda rw console=ttyS0 quiet mitigations=off net.ifnames=0 vsdlab={index} "
              f"systemd.hostname=h{index} systemd.machine_id={machine_id}")
    argv = ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35", "-accel", accelerator(), "-cpu", processor(),
            "-smp", "1", "-m", str(MEMORY_MIB), "-append", append,
            "-device", "virtio-blk-pci,drive=root,addr=0x8", "-device", "virtio-rng-pci,addr=0x9",
            "-device", "i6300esb,addr=0xa", "-action", "watchdog=reset",
            "-device", "vmgenid,guid=auto"]  # tells a restored kernel to draw new random numbers
    for slot, card in enumerate(config.CARDS, start=0x10):
        argv += ["-device", f"virtio-net-pci,id={card},netdev={card},mac={config.mac(card, index)},addr={slot:#x},romfile="]
    return argv


def make_overlay(path, backing, backing_format):
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", backing_format, "-b", backing, path], "make the disk of a host")


def tap_name(index, card):
    return f"h{index}{card}"


class Monitor:
    """The QMP connection of a running machine."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r")
        self._lines.readline()
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while line := self._lines.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise LabError(f"QEMU refuses '{command}': {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise LabError(f"QEMU ended while it was asked to '{command}'")

    def close(self):
        self._lines.close()
        self._socket.close()


class Machine:
    """A started QEMU. Its files: DIR/hN.serial, .qemu (its own messages), .qmp."""

    def __init__(self, index, image, disk, folder, incoming=None):
        self.index = index
        self.serial = folder / f"h{index}.serial"
        self._messages = folder / f"h{index}.qemu"
        self._monitor_path = folder / f"h{index}.qmp"
        argv = ["qemu-system-x86_64", "-name", f"h{index}", *hardware(index), "-kernel", image / "kernel", "-initrd", image / "initrd",
                # unsafe: flushes need not reach the build machine's own disk, its page cache survives our kill
                "-drive", f"file={disk},if=none,id=root,format=qcow2,cache=unsafe,discard=unmap",
                "-serial", f"file:{self.serial}", "-qmp", f"unix:{self._monitor_path},server=on,wait=off"]
        for card in config.CARDS:
            argv += ["-netdev", f"tap,id={card},ifname={tap_name(index, card)},script=no,downscript=no"]
        if incoming:
            argv += ["-incoming", f"exec:cat '{incoming}'"]
        self._monitor_path.unlink(missing_ok=True)
        with open(self._messages, "w") as messages:
            self._process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=messages, stderr=messages)
        self.monitor = self._connect()

    def _connect(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.running():
            try:
                return Monitor(self._monitor_path)
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.02)
        raise LabError(f"QEMU of host 'h{self.index}' does not start:\n{last_lines(self._messages)}")

    def running(self):
        return self._process.poll() is None

    def set_link(self, card, up):
        """Plugs a network cable in or out; the guest sees the carrier go."""
        self.monitor.do("set_link", name=card, up=up)

    def kill(self):
        """Power loss."""
        self._process.kill()
        self._process.wait()
        self.monitor.close()

    def save(self, path):
        """Stops the machine, writes its memory and devices to path, and ends QEMU; the disk is then complete too."""
        self.monitor.do("stop")
        self.monitor.do("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        self.monitor.do("migrate", uri=f"exec:cat > '{path}'")
        deadline = time.monotonic() + 120
        while (state := self.monitor.do("query-migrate").get("status")) != "completed":
            if state in ("failed", "cancelled") or time.monotonic() > deadline:
                raise LabError(f"cannot save host 'h{self.index}': QEMU says '{state}'\n{last_lines(self._messages)}")
            time.sleep(0.1)
        self.monitor.do("quit")
        self._process.wait(30)
        self.monitor.close()

    def wait_restored(self):
        """Until the saved state is loaded and the machine runs."""
        deadline = time.monotonic() + 120
        while self.running() and time.monotonic() < deadline:
            if self.monitor.do("query-status")["status"] != "inmigrate":
                return self.monitor.do("cont")  # it was stopped when it was saved
            time.sleep(0.05)
        raise LabError(f"cannot restore host 'h{self.index}':\n{last_lines(self._messages)}")

    def problem(self):
        """What the logs say, for an error message."""
        return f"QEMU's messages:\n{last_lines(self._messages, 5)}\nlast lines of its serial console:\n{last_lines(self.serial)}"
