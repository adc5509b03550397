"""The keeper: the process that a lab lives in, with PID, network and mount namespaces of its own.

    lab up ──fork──► (new namespaces) ──fork──► PID 1: reaps ──fork──► keeper ──► qemu, tgtd, ssh, http server
       └───lifeline──────────────────────────────────────────────────────┘

Until `lab up` has said "complete" on the lifeline, its end (Ctrl-C, kill -9) ends the lab. From then on the
lab ends when PID 1 is killed. The kernel removes the rest: processes, bridges, taps, mounts, namespaces.
"""
import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
import traceback

from labkit import cage, config, network, report, state, target
from labkit.host import Host
from labkit.parallel import for_each
from labkit.report import LabError, say


def launch(name, count, image, mirror, lock):
    """Starts lab `name` with its keeper and returns when it is complete. Call under the lab's lock, from a process with one thread."""
    folder, disks = state.folder(name), state.disks(name)
    for path in (folder, disks):
        path.mkdir(parents=True)
    lifeline_end, lifeline = os.pipe()
    news, news_end = os.pipe()
    go, gone = os.pipe()

    def first():
        os.close(gone)
        os.read(go, 1)  # until the record names us, or the launcher has died
        cage.mount("proc", "/proc", "proc")
        cage.first_process(lambda: Keeper(folder, disks, image, mirror).live(count, lifeline_end, news_end))

    def outside():
        os.setsid()
        lock.close()  # the lab outlives the command that holds it
        for fd in (lifeline, news):
            os.close(fd)
        _detach(folder / "keeper.log")
        cage.unshare(cage.NEWPID | cage.NEWNET | cage.NEWNS)
        state.write_record(name, cage.as_child(first))
        os.write(gone, b"g")

    launcher = cage.as_child(outside)
    for fd in (lifeline_end, news_end, go, gone):
        os.close(fd)
    os.waitpid(launcher, 0)
    try:
        _follow(news, folder)
        os.write(lifeline, b"c")
    except BaseException:
        os.close(lifeline)
        state.end(name)
        raise


def _detach(log):
    """Standard streams of the keeper: nothing in, everything out into its log."""
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    os.close(null)


def _follow(news, folder):
    """Shows the keeper's progress until the lab is complete; raises its error."""
    with os.fdopen(news) as lines:
        for line in lines:
            message = json.loads(line)
            if "say" in message:
                say(message["say"])
            elif "error" in message:
                raise LabError(message["error"])
            else:
                return
    raise LabError(f"the keeper of the lab died:\n{report.last_lines(folder / 'keeper.log')}")


class Keeper:
    """The lab's owner. Serves requests on keeper.sock, each in its own thread."""

    def __init__(self, folder, disks, image, mirror):
        self._folder = folder
        self._disks = disks
        self._image = image
        self._mirror = mirror
        self._hosts = {}
        self._adding = threading.Lock()

    def live(self, count, lifeline, news):
        """Makes the lab, tells how it goes on `news`, then serves until killed."""
        threading.Thread(target=self._watch, args=(lifeline,), daemon=True).start()
        news = os.fdopen(news, "w", buffering=1)
        report.listen(lambda text: print(json.dumps({"say": text}), file=news))
        try:
            network.set_up()
            self._serve_packages()
            self._tgtd = target.start(self._folder, self._disks)
            self.add(count)
            server = Server(str(self._folder / "keeper.sock"), self)
        except LabError as error:
            self._fail(news, str(error))
        except Exception:
            self._fail(news, traceback.format_exc())
        report.listen(None)
        print(json.dumps({"complete": True}), file=news)
        news.close()
        server.serve_forever()

    def _fail(self, news, error):
        print(json.dumps({"error": error}), file=news)
        self._abandon()

    def _watch(self, lifeline):
        if os.read(lifeline, 1) != b"c":
            self._abandon()

    def _abandon(self):
        """PID 1 ends when we do, and with it everything here."""
        for path in (self._disks, self._folder):
            shutil.rmtree(path, ignore_errors=True)
        os._exit(1)

    def _serve_packages(self):
        argv = [sys.executable, "-m", "http.server", "--protocol", "HTTP/1.1", "--bind", config.LAB_MGMT, "--directory", str(self._mirror), str(config.MIRROR_PORT)]
        with open(self._folder / "mirror.log", "w") as log:
            self._packages = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    # What can be asked of a running lab (REQUESTS):

    def add(self, count):
        """Brings the number of hosts up to count."""
        def make(index):
            host = Host(index, self._image, self._folder, self._disks)
            try:
                host.restore()
            except BaseException:
                host.remove()
                raise
            self._hosts[index] = host
        with self._adding:
            for_each([index for index in range(1, count + 1) if index not in self._hosts], make)

    def status(self):
        return [self._hosts[index].status() for index in sorted(self._hosts)]

    def crash(self, host):
        self._host(host).crash()

    def boot(self, host):
        self._host(host).boot()

    def reach(self, host):
        self._host(host).reach()

    def cut(self, host, what):
        for one in what:
            self._host(host).plug(one, up=False)

    def heal(self, host, what):
        for one in what:
            self._host(host).plug(one, up=True)

    def _host(self, name):
        index = config.host_index(name)
        if index not in self._hosts:
            raise LabError(f"no host '{name}' in this lab: it has {' '.join('h%d' % n for n in sorted(self._hosts))}; add some with: lab up {index}")
        return self._hosts[index]


REQUESTS = ("add", "status", "crash", "boot", "reach", "cut", "heal")


class _Request(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            arguments = json.loads(self.rfile.readline())
            report.listen(lambda text: self._send(say=text))
            request = arguments.pop("request")
            if request not in REQUESTS:
                raise LabError(f"the running lab does not know '{request}': end it with 'lab down' and start it anew")
            self._send(answer=getattr(self.server.keeper, request)(**arguments))
        except LabError as error:
            self._send(error=str(error))
        except (BrokenPipeError, ConnectionResetError):
            pass  # who asked has gone; what was asked goes on
        except Exception:
            self._send(error=traceback.format_exc())

    def _send(self, **message):
        try:
            self.wfile.write(json.dumps(message).encode() + b"\n")
        except OSError:
            pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path, keeper):
        self.keeper = keeper
        super().__init__(path, _Request)
