"""The command line of the lab."""
import argparse
import os
import pathlib
import signal
import sys

from labkit import client, config, image, keeper, machine, mirror, remote, state, transfer
from labkit.cache import locked
from labkit.prepare import prepare
from labkit.report import LabError, last_lines, say

USAGE = """\
usage: lab/lab COMMAND ...          LAB=name chooses among labs side by side ('default')

  up [N]                    start the lab with N hosts h1..hN (2), or add hosts up to N
  down [--all]              end it; nothing is left of it
  status | list             the hosts of this lab | the labs that are up

  run [-t] HOST CMD...      run a command on a host (-t: with a terminal); exit code and streams are its own
  client CMD...             run a command in the client's network namespace (10.77.0.100)
  push HOST SRC DST         copy a file or directory to a host
  pull HOST SRC DST         copy a file or directory from a host
  serial HOST               what the host printed on its serial console

  cut HOST [net|lun]        unplug: net = management and trunk, lun = storage; both without a word
  heal HOST [net|lun]       plug in again
  crash HOST                power loss
  boot HOST                 start a crashed host from its disk, wait until it is reachable

  build-deb [TREE]          build the package of this checkout (or of another) for the hosts, print its path
  deploy [--on HOST] [DEB]  install it (built if not given) on all hosts, or on one
  prepare                   install what this machine lacks, make image, package mirror and build root
  prune                     remove from the cache what this checkout no longer uses

Exit codes of the lab itself: 0, 1 failed, 2 usage, 130 interrupted. `run` exits with 255 when the host is lost.
"""


def up(arguments):
    count = int(arguments.count)
    if not 1 <= count <= config.MAX_HOSTS:
        raise LabError(f"a lab has 1 to {config.MAX_HOSTS} hosts, not {count}")
    name = config.lab_name()
    prepare()
    with locked(config.STATE_ROOT / f"{name}.lock") as lock:
        if state.keeper_pid(name):
            if len(state.ask(name, "status")) >= count:
                say(f"lab '{name}' is up already")
                return 0
            state.ask(name, "add", count=count)
        else:
            state.remove_dead(name)
            entries = image.entry(), mirror.entry()
            keeper.launch(name, count, *[entry.path() for entry in entries], lock)
        say(f"lab '{name}' is up: {' '.join(f'h{n}' for n in range(1, count + 1))} ({machine.accelerator().split(',')[0]})")
    return 0


def down(arguments):
    for name in state.names() if arguments.all else [config.lab_name()]:
        with locked(config.STATE_ROOT / f"{name}.lock"):
            state.end(name)
    return 0


def list_labs(arguments):
    for name in state.names():
        print(name)
    return 0


def status(arguments):
    name = config.lab_name()
    if not state.keeper_pid(name):
        print(f"lab '{name}' is not up")
        return 1
    print(f"lab '{name}' is up (keeper {state.keeper_pid(name)}, logs in {state.folder(name)})")
    for host in state.ask(name, "status"):
        cut = f"  cut: {' '.join(host['cut'])}" if host["cut"] else ""
        print(f"{host['host']:4} {host['address']:12} {host['state']:5} {'reachable' if host['reachable'] else 'unreachable'}{cut}")
    return 0


def _reach(host):
    """The state folder, once commands can be run on the host."""
    name = config.lab_name()
    config.host_index(host)
    state.require_up(name)
    state.ask(name, "reach", host=host)
    return state.folder(name)


def run(arguments):
    argv = remote.command(_reach(arguments.host), arguments.host, arguments.command, terminal=arguments.terminal)
    os.execvp(argv[0], argv)


def run_client(arguments):
    name = config.lab_name()
    state.require_up(name)
    return client.run(state.keeper_pid(name), arguments.command)


def push(arguments):
    transfer.push(_reach(arguments.host), arguments.host, arguments.source, arguments.destination)
    return 0


def pull(arguments):
    transfer.pull(_reach(arguments.host), arguments.host, arguments.source, arguments.destination)
    return 0


def serial(arguments):
    config.host_index(arguments.host)
    state.require_up(config.lab_name())
    print(last_lines(state.folder(config.lab_name()) / f"{arguments.host}.serial", 1000))
    return 0


def plug(arguments):
    state.ask(config.lab_name(), arguments.verb, host=arguments.host, what=[arguments.what] if arguments.what else list(config.CUTS))
    return 0


def power(arguments):
    state.ask(config.lab_name(), arguments.verb, host=arguments.host)
    return 0


def build_deb(arguments):
    from labkit import package
    prepare()
    print(package.build(os.path.abspath(arguments.tree)) if arguments.tree else package.build())
    return 0


def deploy(arguments):
    from labkit import deployment
    deployment.deploy(config.lab_name(), arguments.deb and pathlib.Path(arguments.deb), arguments.on)
    return 0


def prepare_all(arguments):
    from labkit import buildroot
    prepare()
    for entry in image.entry(), mirror.entry(), buildroot.entry():
        entry.path()
    return 0


def prune(arguments):
    from labkit import pruning
    pruning.prune()
    return 0


def parser():
    top = argparse.ArgumentParser(prog="lab", add_help=False, allow_abbrev=False)
    top.error = lambda message: (print(f"lab: {message}; see: lab help", file=sys.stderr), sys.exit(2))
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def verb(name, function, *positional, **optional):
        one = verbs.add_parser(name, add_help=False, allow_abbrev=False)
        one.error = top.error
        for argument in positional:
            one.add_argument(argument)
        for argument, options in optional.items():
            one.add_argument(argument, **options)
        one.set_defaults(function=function)
        return one

    verb("up", up, count={"nargs": "?", "type": int, "default": 2})
    verb("down", down).add_argument("--all", action="store_true")
    verb("status", status)
    verb("list", list_labs)
    verb("run", run, "host", command={"nargs": argparse.REMAINDER})
    verb("client", run_client, command={"nargs": argparse.REMAINDER})
    verb("push", push, "host", "source", "destination")
    verb("pull", pull, "host", "source", "destination")
    verb("serial", serial, "host")
    for name in ("cut", "heal"):
        verb(name, plug, "host", what={"nargs": "?", "choices": sorted(config.CUTS)})
    for name in ("crash", "boot"):
        verb(name, power, "host")
    verb("build-deb", build_deb, tree={"nargs": "?"})
    verb("deploy", deploy, deb={"nargs": "?"}).add_argument("--on", metavar="HOST")
    verb("prepare", prepare_all)
    verb("prune", prune)
    return top


def parse(words):
    """The words of a command of the host are kept as they are; only what stands before them is ours."""
    terminal = False
    if words[:1] == ["run"] and words[1:2] == ["-t"]:
        terminal, words = True, ["run", *words[2:]]
    top = parser()
    if words[:1] == ["run"] or words[:1] == ["client"]:
        skip = 2 if words[0] == "run" else 1
        command = words[skip:][1:] if words[skip:skip + 1] == ["--"] else words[skip:]
        if len(words) < skip or not command:
            top.error(f"{words[0]} what?")
        arguments = top.parse_args(words[:skip])
        arguments.command = command
    else:
        arguments = top.parse_args(words)
    arguments.terminal = terminal
    return arguments


def _interrupted(number, frame):
    raise KeyboardInterrupt


def main(words):
    if not words or words[0] in ("help", "-h", "--help"):
        print(USAGE, end="")
        return 0 if words else 2
    arguments = parse(words)
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGHUP, _interrupted)
    try:
        if os.geteuid() != 0:
            raise LabError("the lab needs root: it makes network namespaces and mounts; run it as root")
        state.sweep()
        return arguments.function(arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130
