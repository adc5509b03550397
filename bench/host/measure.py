"""Runs on a lab host: starts, execs and memory of vsd beside crun, in turn. See bench/run."""
import json
import os
import platform
import shutil
import subprocess
import sys
import time

RUNS = int(sys.argv[1])
BUNDLE = "/root/bench/bundle"
FIRST = "echo x >/first; trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"
LIMITS = {"memory": 256 << 20, "pids": 100}


def run(*argv, check=True):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.decode()}{done.stdout.decode()}")
    return done.stdout.decode()


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def to_first_instruction(fifo, argv):
    """Milliseconds from before the command is started until the context's first program writes a byte."""
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    keeper = os.open(fifo, os.O_WRONLY)  # so that the read waits for the byte instead of seeing no writer
    began = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.read(reader, 1)
    took = (time.monotonic() - began) * 1000
    process.wait()
    os.close(keeper)
    os.close(reader)
    return took


def timed(*argv):
    began = time.monotonic()
    run(*argv)
    return (time.monotonic() - began) * 1000


def make_bundle():
    """The same tree, namespaces and limits for crun."""
    shutil.rmtree(BUNDLE, ignore_errors=True)
    os.makedirs(f"{BUNDLE}/rootfs")
    run("tar", "-C", f"{BUNDLE}/rootfs", "-xf", "/root/bench.tar")
    run("chown", "-R", "-h", "3000000:3000000", f"{BUNDLE}/rootfs")
    run("sh", "-c", f"cd {BUNDLE} && crun spec")
    with open(f"{BUNDLE}/config.json") as file:
        config = json.load(file)
    config["process"].update(terminal=False, args=["/bin/sh", "-c", FIRST])
    config["root"]["readonly"] = False
    config["linux"]["namespaces"] = [{"type": kind} for kind in
                                     ("pid", "network", "ipc", "uts", "mount", "cgroup", "user", "time")]
    config["linux"]["uidMappings"] = config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 3000000, "size": 65536}]
    config["linux"]["resources"] = {"memory": {"limit": LIMITS["memory"]}, "pids": {"limit": LIMITS["pids"]}}
    with open(f"{BUNDLE}/config.json", "w") as file:
        json.dump(config, file)


def row(what, ours, theirs, name, goal):
    ratio = median(ours) / median(theirs)
    print(f"{what:34} vsd {median(ours):8.1f} ms   {name:22} {median(theirs):8.1f} ms   ratio {ratio:5.2f}   "
          f"{'met' if ratio <= goal else 'NOT MET'} (goal {goal})", flush=True)


def bench_start():
    fifo = "/var/lib/vsd/volumes/bstart/root/first"
    run("vsctl", "create", "bstart", "--template", "bench", "--memory", str(LIMITS["memory"]), "--pids", str(LIMITS["pids"]),
        "--", "/bin/sh", "-c", FIRST)
    ours, systemd, plain = [], [], []
    for number in range(RUNS + 1):  # the first round warms up
        ours.append(to_first_instruction(fifo, ["vsctl", "start", "bstart"]))
        run("vsctl", "stop", "--kill", "bstart")
        for times, flags in ((systemd, ["--systemd-cgroup"]), (plain, [])):
            times.append(to_first_instruction(f"{BUNDLE}/rootfs/first", ["crun", *flags, "run", "-d", "-b", BUNDLE, "bench"]))
            run("crun", *flags, "delete", "-f", "bench")
    run("vsctl", "remove", "-y", "bstart")
    row("start to first instruction", ours[1:], systemd[1:], "crun --systemd-cgroup", 1.0)
    row("start to first instruction", ours[1:], plain[1:], "crun (cgroupfs)", 1.0)


def bench_exec():
    run("vsctl", "create", "bexec", "--template", "bench", "--start")
    # Its output must not be a pipe of ours: the container would hold it open.
    subprocess.run(["crun", "run", "-d", "-b", BUNDLE, "bench"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    ours, crun = [], []
    for number in range(RUNS + 1):
        ours.append(timed("vsctl", "exec", "bexec", "true"))
        crun.append(timed("crun", "exec", "bench", "/bin/true"))
    run("crun", "delete", "-f", "bench")
    run("vsctl", "remove", "--kill", "-y", "bexec")
    row("exec true", ours[1:], crun[1:], "crun exec", 1.0)


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
    print(f"resident: vsd-guest {max(guests)} KiB at most ({'met' if max(guests) < 1024 else 'NOT MET'}, goal 1024); "
          f"vsd with {count} contexts {daemon} KiB ({'met' if daemon < 16384 else 'NOT MET'}, goal 16384)", flush=True)
    listing = [timed("vsctl", "list") for _ in range(RUNS)]
    print(f"vsctl list of {count}: {median(listing):.1f} ms", flush=True)
    for name in names:
        run("vsctl", "remove", "--kill", "-y", name)


print(f"host {platform.node()}, Linux {platform.release()}, {os.cpu_count()} CPU; medians of {RUNS}; "
      f"{run('vsctl', '--version').strip()}; {run('crun', '--version').splitlines()[0]}", flush=True)
make_bundle()
bench_start()
bench_exec()
bench_memory()
