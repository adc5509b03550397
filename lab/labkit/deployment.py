"""Installs the package on all hosts that are up, at once."""
import subprocess

from labkit import config, remote, state, transfer
from labkit.parallel import for_each
from labkit.report import LabError, say

# What a user would write so that templates come from a mirror of his own.
SETTINGS = f"""\
[templates]
mirror = "{config.MIRROR}"
keyring = "{config.KEYRING_IN_HOST}"
"""

# A test writes "VERB/STEP" into it, and vsd kills itself there.
KILL_AT = "/run/vsd-kill-at"
UNIT = f"""\
[Unit]
StartLimitIntervalSec=0
[Service]
Environment=VSD_KILL_AT={KILL_AT}
"""

# $1 the package, $2 the settings, $3 what is added to the unit. dpkg is quick and all dependencies are in the image; apt is for one that is new.
_INSTALL = """set -e
mkdir -p /etc/vsd/vsd.toml.d /etc/systemd/system/vsd.service.d
printf %s "$3" > /etc/systemd/system/vsd.service.d/50-lab.conf
printf %s "$2" > /etc/vsd/vsd.toml.d/50-lab.toml
export DEBIAN_FRONTEND=noninteractive
if ! dpkg --install --force-confnew "$1" > /run/lab-deploy.log 2>&1; then
    apt-get update -qq >> /run/lab-deploy.log 2>&1 || true
    apt-get install -y -qq --fix-broken --allow-downgrades "$1" >> /run/lab-deploy.log 2>&1 || { tail -n 25 /run/lab-deploy.log; exit 1; }
fi
rm -f "$1"
"""


def deploy(name, deb=None, only=None):
    state.require_up(name)
    if deb is None:
        from labkit import package
        deb = package.build()
    if not deb.is_file():
        raise LabError(f"cannot deploy '{deb}': no such file")
    hosts = [host["host"] for host in state.ask(name, "status") if host["state"] == "up"]
    if only and only not in hosts:
        raise LabError(f"lab '{name}' has no host '{only}' that is up")
    if only:
        hosts = [only]
    if not hosts:
        raise LabError(f"lab '{name}' has no host that is up")
    for_each(hosts, lambda host: _install(name, host, deb))
    say(f"{deb.name} is installed on {' '.join(hosts)}")


def _install(name, host, deb):
    state.ask(name, "reach", host=host)
    folder = state.folder(name)
    place = f"/var/tmp/{deb.name}"
    transfer.push(folder, host, str(deb), place)
    done = subprocess.run(remote.command(folder, host, ["sh", "-c", _INSTALL, "deploy", place, SETTINGS, UNIT]),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"cannot install '{deb.name}' on host '{host}':\n{done.stdout}{done.stderr}")
