"""Runs on a lab host: vsd beside crun, LXC and systemd-nspawn, in turn. See bench/run.

    measure.py RUNS BOOTS PART...
"""
import json
import os
import platform
import select
import shutil
import stat
import subprocess
import sys
import time

RUNS, BOOTS, PARTS = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
PLACE = "/var/lib/bench"          # not below /root: a user namespace could not get there
BUNDLE = f"{PLACE}/bundle"
SYSTEM = f"{PLACE}/debian13"
SILENT = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
FIRST = "echo x >/first; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"
LIMITS = {"memory": 256 << 20, "pids": 100}
IDS = 3000000


def run(*argv, check=True):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.decode()}{done.stdout.decode()}")
    return done.stdout.decode()


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def timed(*argv):
    began = time.monotonic()
    run(*argv)
    return (time.monotonic() - began) * 1000


def row(what, ours, theirs, name, goal=1.0):
    ratio = median(ours) / median(theirs)
    print(f"{what:28} vsd {median(ours):8.1f} ms   {name:24} {median(theirs):8.1f} ms   ratio {ratio:5.2f}   "
          f"{'met' if ratio <= goal else 'NOT MET'} (goal {goal:.3g}, {len(ours)} runs)", flush=True)


# --- the peers ---------------------------------------------------------------------------------------

def shift(tree):
    """Gives a tree whose ids are those inside to the id range that the peers use."""
    for folder, folders, files in os.walk(tree):
        for path in [folder] + [f"{folder}/{name}" for name in folders + files]:
            status = os.lstat(path)
            if status.st_uid >= IDS:
                continue
            os.lchown(path, status.st_uid + IDS, status.st_gid + IDS)
            if not stat.S_ISLNK(status.st_mode):
                os.chmod(path, stat.S_IMODE(status.st_mode))  # lchown takes setuid bits away


def make_bundle():
    """The small tree with the same namespaces and limits for crun."""
    os.makedirs(f"{BUNDLE}/rootfs")
    run("tar", "-C", f"{BUNDLE}/rootfs", "-xf", "/root/bench.tar")
    shift(f"{BUNDLE}/rootfs")
    run("sh", "-c", f"cd {BUNDLE} && crun spec")
    with open(f"{BUNDLE}/config.json") as file:
        config = json.load(file)
    config["process"].update(terminal=False, args=["/bin/sh", "-c", FIRST])
    config["root"]["readonly"] = False
    config["linux"]["namespaces"] = [{"type": kind} for kind in
                                     ("pid", "network", "ipc", "uts", "mount", "cgroup", "user", "time")]
    config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": IDS, "size": 65536}]
    config["linux"]["resources"] = {"memory": {"limit": LIMITS["memory"]}, "pids": {"limit": LIMITS["pids"]}}
    with open(f"{BUNDLE}/config.json", "w") as file:
        json.dump(config, file)


def allow_ids():
    """LXC asks newuidmap, which asks these files."""
    for path in ("/etc/subuid", "/etc/subgid"):
        with open(path) as file:
            there = f"root:{IDS}:65536" in file.read()
        if not there:
            with open(path, "a") as file:
                file.write(f"root:{IDS}:65536\n")


def make_lxc(name, tree, init):
    allow_ids()
    folder = f"/var/lib/lxc/{name}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/config", "w") as file:
        file.write("lxc.include = /usr/share/lxc/config/common.conf\nlxc.include = /usr/share/lxc/config/userns.conf\n"
                   f"lxc.uts.name = {name}\nlxc.rootfs.path = dir:{tree}\nlxc.init.cmd = {init}\n"
                   f"lxc.idmap = u 0 {IDS} 65536\nlxc.idmap = g 0 {IDS} 65536\n"
                   "lxc.net.0.type = empty\nlxc.apparmor.profile = unconfined\n")


# --- parts -------------------------------------------------------------------------------------------

def to_first_instruction(fifo, argv):
    """Milliseconds from before the command is started until the context's first program writes a byte."""
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    keeper = os.open(fifo, os.O_WRONLY)  # so that the read waits for the byte instead of seeing no writer
    began = time.monotonic()
    process = subprocess.Popen(argv, **SILENT)
    if not select.select([reader], [], [], 60)[0]:
        raise SystemExit(f"{' '.join(argv)}: no first instruction within a minute (exit {process.poll()})")
    took = (time.monotonic() - began) * 1000
    os.read(reader, 1)
    if process.wait() != 0:
        raise SystemExit(f"{' '.join(argv)}: exit {process.returncode}")
    os.close(keeper)
    os.close(reader)
    return took


def bench_start():
    fifo = "/var/lib/vsd/volumes/bstart/root/first"
    run("vsctl", "create", "bstart", "--template", "bench", "--memory", str(LIMITS["memory"]), "--pids", str(LIMITS["pids"]),
        "--", "/bin/sh", "-c", FIRST)
    ours, systemd, plain = [], [], []
    for _ in range(RUNS + 1):  # the first round warms up
        ours.append(to_first_instruction(fifo, ["vsctl", "start", "bstart"]))
        run("vsctl", "stop", "--kill", "bstart")
        for times, flags in ((systemd, ["--systemd-cgroup"]), (plain, [])):
            times.append(to_first_instruction(f"{BUNDLE}/rootfs/first", ["crun", *flags, "run", "-d", "-b", BUNDLE, "bench"]))
            run("crun", *flags, "delete", "-f", "bench")
    run("vsctl", "remove", "-y", "bstart")
    row("start to first instruction", ours[1:], systemd[1:], "crun --systemd-cgroup")
    row("start to first instruction", ours[1:], plain[1:], "crun (cgroupfs)")


def bench_exec():
    run("vsctl", "create", "bexec", "--template", "bench", "--start")
    subprocess.run(["crun", "run", "-d", "-b", BUNDLE, "bench"], check=True, **SILENT)
    make_lxc("bench", f"{BUNDLE}/rootfs", "/bin/sleeper")
    run("lxc-start", "-n", "bench")
    ours, crun, lxc = [], [], []
    for _ in range(RUNS + 1):
        ours.append(timed("vsctl", "exec", "bexec", "true"))
        crun.append(timed("crun", "exec", "bench", "/bin/true"))
        lxc.append(timed("lxc-attach", "-n", "bench", "--", "/bin/true"))
    run("lxc-stop", "-k", "-n", "bench")
    run("crun", "delete", "-f", "bench")
    run("vsctl", "remove", "--kill", "-y", "bexec")
    row("exec true", ours[1:], crun[1:], "crun exec")
    row("exec true", ours[1:], lxc[1:], "lxc-attach")


def resident(pid):
    with open(f"/proc/{pid}/status") as file:
        return [int(line.split()[1]) for line in file if line.startswith("VmRSS")][0]


def bench_memory(count=50):
    names = [f"bmem{number}" for number in range(count)]
    for name in names:
        run("vsctl", "create", name, "--template", "bench", "--start")
    guests = []
    for name in names:
        with open(f"/run/vsd/contexts/{name}/running") as file:
            guests.append(resident(dict(line.strip().split("=", 1) for line in file if "=" in line)["guest"]))
    daemon = resident(json.loads(run("vsctl", "--format", "json", "info"))["items"][0]["pid"])
    print(f"resident: vsd-guest {max(guests)} KiB at most ({'met' if max(guests) < 1024 else 'NOT MET'}, goal below 1024); "
          f"vsd with {count} running contexts {daemon} KiB ({'met' if daemon < 16384 else 'NOT MET'}, goal below 16384)", flush=True)
    for name in names:
        run("vsctl", "remove", "--kill", "-y", name)


def attach(pid, *argv):
    return subprocess.run(["nsenter", "-t", pid, "-a", "-S", "0", "-G", "0", "--", *argv], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode().strip()


def finish_of_boot(init_pid, began):
    """(milliseconds, state): from `began` to when its systemd had finished, by its own clock (the host's)."""
    deadline = time.monotonic() + 600
    pid = ""
    while time.monotonic() < deadline:
        pid = pid or init_pid()
        state = attach(pid, "systemctl", "is-system-running") if pid else ""
        if state in ("running", "degraded", "maintenance"):
            finished = attach(pid, "systemctl", "show", "-p", "FinishTimestampMonotonic", "--value")
            return int(finished) / 1000 - began * 1000, state
        time.sleep(0.5)
    raise SystemExit("a system did not finish its boot within 10 minutes")


def boot_vsd():
    began = time.monotonic()
    run("vsctl", "start", "bboot")
    found = finish_of_boot(lambda: str(json.loads(run("vsctl", "--format", "json", "show", "bboot"))["items"][0]["pid"]), began)
    run("vsctl", "stop", "--kill", "bboot")
    return found


def boot_lxc():
    began = time.monotonic()
    run("lxc-start", "-n", "bboot")
    found = finish_of_boot(lambda: run("lxc-info", "-n", "bboot", "-p", "-H").strip(), began)
    run("lxc-stop", "-k", "-n", "bboot")
    return found


def boot_nspawn():
    began = time.monotonic()
    process = subprocess.Popen(["systemd-nspawn", "--quiet", "--boot", "-M", "bnspawn", "-D", SYSTEM, "--private-network",
                                f"--private-users={IDS}:65536", "--private-users-ownership=off"], **SILENT)
    found = finish_of_boot(lambda: run("machinectl", "show", "-p", "Leader", "--value", "bnspawn", check=False).strip(), began)
    run("machinectl", "terminate", "bnspawn")
    process.wait()
    return found


def bench_boot():
    if subprocess.run(["vsctl", "template", "show", "debian13"], **SILENT).returncode != 0:
        run("vsctl", "template", "build", "debian13")
    run("vsctl", "create", "bboot", "--template", "debian13")
    run("cp", "-a", "/var/lib/vsd/templates/debian13/root", SYSTEM)
    shift(SYSTEM)
    make_lxc("bboot", SYSTEM, "/sbin/init")
    results = {"vsd": [], "lxc-start": [], "systemd-nspawn": []}
    for _ in range(BOOTS + 1):
        for name, boot in (("vsd", boot_vsd), ("lxc-start", boot_lxc), ("systemd-nspawn", boot_nspawn)):
            results[name].append(boot())
            run("udevadm", "settle", check=False)
    run("vsctl", "remove", "-y", "bboot")
    for name, found in results.items():
        states = sorted({state for _, state in found})
        print(f"boot: {name} reached {', '.join(states)}", flush=True)
    times = {name: [took for took, _ in found[1:]] for name, found in results.items()}
    for peer in ("lxc-start", "systemd-nspawn"):
        row("Debian 13 to its boot's end", times["vsd"], times[peer], peer)


BY_HAND = """set -e
lvcreate -qq -y -s -kn -n c byhand/t
mkdir -p /mnt/byhand
mount /dev/byhand/c /mnt/byhand
echo c >/mnt/byhand/root/etc/hostname
umount /mnt/byhand
"""


def disk(name):
    run("truncate", "-s", "10G", f"{PLACE}/{name}.img")
    return run("losetup", "--find", "--show", f"{PLACE}/{name}.img").strip()


def bench_create():
    """A context from a template of 2 MiB and one of 1 GiB on tier thin, beside a script with the same volumes."""
    devices = [disk("ours"), disk("theirs")]
    run("vsctl", "storage", "add", "bthin", "--device", devices[0])
    for name, size in (("bench", 0), ("benchbig", 1 << 30)):
        if size:
            tree = f"{PLACE}/big"
            os.makedirs(tree)
            run("tar", "-C", tree, "-xf", "/root/bench.tar")
            with open(f"{tree}/big", "wb") as file:
                for _ in range(size >> 20):
                    file.write(os.urandom(4096) * 256)
            run("tar", "-C", tree, "-cf", f"{PLACE}/big.tar", ".")
            run("vsctl", "template", "import", name, f"{PLACE}/big.tar", "--storage", "bthin", "--init", "command", "--", "/bin/sleeper")
        run("vgcreate", "-qq", "byhand", devices[1])
        run("lvcreate", "-qq", "-l", "90%FREE", "--thinpool", "pool", "byhand")
        run("lvcreate", "-qq", "-V", "8G", "--thinpool", "pool", "-n", "t", "byhand")
        run("mkfs.ext4", "-q", "/dev/byhand/t")
        os.makedirs("/mnt/byhand", exist_ok=True)
        run("mount", "/dev/byhand/t", "/mnt/byhand")
        os.makedirs("/mnt/byhand/root")
        run("tar", "-C", "/mnt/byhand/root", "-xf", f"{PLACE}/big.tar" if size else "/root/bench.tar")
        run("umount", "/mnt/byhand")
        ours, theirs = [], []
        for _ in range(RUNS + 1):  # the first round brings the template
            ours.append(timed("vsctl", "create", "bcreate", "--template", name, "--storage", "bthin"))
            run("vsctl", "remove", "-y", "bcreate")
            theirs.append(timed("sh", "-c", BY_HAND))
            run("lvremove", "-qq", "-y", "byhand/c")
        row(f"create from {'1 GiB' if size else '2 MiB'}, tier thin", ours[1:], theirs[1:], "lvcreate -s, mount by hand", 0.5)
        run("vgremove", "-qq", "-y", "byhand")
    run("vsctl", "template", "remove", "-y", "benchbig")
    run("vsctl", "storage", "remove", "-y", "bthin")
    for device in devices:
        run("losetup", "-d", device)


def bench_writes():
    """Inside a context on tier thin, beside the same volume mounted by hand: a long write, and blocks that are flushed one by one."""
    device = disk("ours")
    run("vsctl", "storage", "add", "bthin", "--device", device)
    run("vsctl", "create", "bwrite", "--template", "bench", "--storage", "bthin")
    os.makedirs("/mnt/byhand", exist_ok=True)
    # The clock of a shell of busybox has hundredths of a second.
    stream = ("read t0 rest </proc/uptime; dd if=/dev/zero of={0}/stream bs=1M count=256 conv=fsync 2>/dev/null; "
              "read t1 rest </proc/uptime; rm {0}/stream; echo $t0 $t1")

    def streamed(*words):
        began, ended = run(*words).split()
        return (float(ended) - float(began)) * 1000
    times = {(what, where): [] for what in ("stream", "flushes") for where in ("in", "out")}

    def measure(where, tree, *enter):
        for _ in range(5):
            times["flushes", where].append(float(run(*enter, f"{tree}/bin/flushes" if where == "in" else "/root/bench/flushes",
                                                     f"{tree}/root/flushed", "200")))
        times["stream", where].append(streamed(*enter, "/bin/sh" if where == "in" else f"{PLACE}/busybox",
                                               *([] if where == "in" else ["sh"]), "-c", stream.format(f"{tree}/root")))
    run("cp", f"{BUNDLE}/rootfs/bin/busybox", f"{PLACE}/busybox")
    for _ in range(max(2, RUNS // 4)):
        run("vsctl", "start", "bwrite")
        measure("in", "", "vsctl", "exec", "bwrite", "--")
        run("vsctl", "stop", "--kill", "bwrite")
        run("lvchange", "-ay", "-K", "vsd-bthin/vc-bwrite")
        run("mount", "/dev/vsd-bthin/vc-bwrite", "/mnt/byhand")
        measure("out", "/mnt/byhand/root")
        run("umount", "/mnt/byhand")
    for what, said in (("stream", "256 MiB written and flushed"), ("flushes", "200 blocks, each flushed")):
        row(said, times[what, "in"], times[what, "out"], "the volume mounted by hand", 1 / 0.97)
    run("vsctl", "remove", "--kill", "-y", "bwrite")
    run("vsctl", "storage", "remove", "-y", "bthin")
    run("losetup", "-d", device)


PARTS_OF_HOST = {"writes": bench_writes, "start": bench_start, "exec": bench_exec, "create": bench_create, "memory": bench_memory, "boot": bench_boot}

print(f"host {platform.node()}, Linux {platform.release()}, {os.cpu_count()} CPU; {run('vsctl', '--version').strip()}; "
      f"{run('crun', '--version').splitlines()[0]}; lxc {run('lxc-start', '--version').strip()}; "
      f"{run('systemd-nspawn', '--version').splitlines()[0]}", flush=True)
shutil.rmtree(PLACE, ignore_errors=True)
make_bundle()
for part in PARTS:
    PARTS_OF_HOST[part]()
