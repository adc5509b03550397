"""Running a command whose output matters only when it fails."""
import subprocess

from labkit.report import LabError


def run(argv, what, **options):
    """Runs argv and gives its stdout as text. `what` says what was wanted, for the error."""
    argv = [str(word) for word in argv]
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **options)
    except OSError as error:
        raise LabError(f"cannot {what}: {error}") from None
    if done.returncode:
        tail = "\n".join("    " + line for line in (done.stdout + done.stderr).splitlines()[-25:])
        raise LabError(f"cannot {what}: '{argv[0]}' ended with {done.returncode}\n{tail}")
    return done.stdout
