"""One host of a running lab, as the keeper sees it: its machine, its connection, what is unplugged."""
import threading
import time

from labkit import config, machine, network, saved
from labkit.remote import Connection
from labkit.report import LabError, say


class Host:
    """All methods may be called from any thread; one at a time is at work on a host."""

    def __init__(self, index, image, state, disks):
        self.name = f"h{index}"
        self._index = index
        self._image = image
        self._state = state
        self._disk = disks / f"{self.name}.qcow2"
        self._machine = None
        self._connection = Connection(state, index)
        self._cuts = set()
        self._lock = threading.RLock()
        self._removed = False
        network.add_host(index)
        threading.Thread(target=self._renew_connection, daemon=True).start()

    def restore(self):
        """From the saved state; boots and saves first when there is none."""
        with self._lock:
            state = saved.entry(self._image, self._index, self._connection)
            machine.make_overlay(self._disk, state / "disk.qcow2", "qcow2")
            self._machine = machine.Machine(self._index, self._image, self._disk, self._state, incoming=state / "memory")
            self._machine.wait_restored()
            self._reach(60)
            say(f"{self.name}: ready")

    def remove(self):
        """Undoes the making of a host that did not come up."""
        with self._lock:
            self._removed = True
            if self._up():
                self._machine.kill()
            self._connection.close()
            network.remove_host(self._index)

    def boot(self):
        """From its disk, as it was when the host last ran."""
        with self._lock:
            if self._up():
                raise LabError(f"host '{self.name}' is up; end it first with: lab crash {self.name}")
            self._machine = machine.Machine(self._index, self._image, self._disk, self._state)
            for card in self._unplugged():
                self._machine.set_link(card, False)
            saved.wait_booted(self._machine, self._connection)
            self._make_ready()
            say(f"{self.name}: ready")

    def crash(self):
        with self._lock:
            if not self._up():
                raise LabError(f"host '{self.name}' is down already; boot it with: lab boot {self.name}")
            self._machine.kill()
            self._connection.close()

    def plug(self, what, up):
        """Cuts or heals 'net' or 'lun'."""
        with self._lock:
            if up:
                self._cuts.discard(what)
            else:
                self._cuts.add(what)
            if self._up():
                for card in config.CUTS[what]:
                    self._machine.set_link(card, up)

    def reach(self):
        """Returns when commands can be run on the host."""
        if not self._connection.stands():
            with self._lock:
                if not self._up():
                    raise LabError(f"host '{self.name}' is down; boot it with: lab boot {self.name}")
                self._reach(90)

    def status(self):
        up = self._up()
        return {"host": self.name, "state": "up" if up else "down", "address": config.control_address(self._index).replace(".2.", ".0."),
                "reachable": up and self._connection.stands(), "cut": sorted(self._cuts)}

    def _up(self):
        return self._machine is not None and self._machine.running()

    def _unplugged(self):
        return [card for what in self._cuts for card in config.CUTS[what]]

    def _reach(self, seconds):
        try:
            self._connection.open(time.monotonic() + seconds, self._machine.running)
        except LabError as error:
            raise LabError(f"{error} within {seconds} s; {self._machine.problem()}") from None
        self._make_ready()

    def _make_ready(self):
        """Sets the clock and logs in to the LUN (not when its cable is out: that would wait for minutes)."""
        if "lun" in self._cuts:
            return
        self._connection.run(["lab-ready", f"{time.time():.3f}", config.PORTAL, config.TARGET], "log in to the LUN")

    def _renew_connection(self):
        """A host that restarted by itself (watchdog, reboot) gets a new connection."""
        while not self._removed:
            time.sleep(1)
            if self._connection.stands() or not self._lock.acquire(blocking=False):
                continue
            try:
                if self._up() and not self._connection.stands():
                    self._reach(saved.BOOT_SECONDS)
            except LabError as error:
                print(f"{self.name}: {error}", flush=True)
            finally:
                self._lock.release()
