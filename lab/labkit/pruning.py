"""Removing from the cache what this checkout would not use again."""
import pathlib
import shutil

from labkit import buildroot, config, image, mirror, saved, state
from labkit.cache import locked
from labkit.report import LabError, say


def prune():
    if labs := state.names():
        raise LabError(f"labs are up that may use the cache: {' '.join(labs)}; end them first with: lab down --all")
    keep = {"image": {image.key()}, "mirror": {mirror.key()}, "buildroot": {buildroot.key()}}
    folder = config.CACHE / "image" / image.key()
    keep["saved"] = {saved.key(folder, index) for index in range(1, config.MAX_HOSTS + 1)} if folder.exists() else set()
    for kind, keys in keep.items():
        for path in sorted((config.CACHE / kind).glob("*")):
            if path.is_dir() and path.name not in keys:
                say(f"removing {kind}/{path.name}")
                with locked(path.with_name(path.name.removesuffix(".tmp") + ".lock")):
                    shutil.rmtree(path, ignore_errors=True)
    for path in sorted((config.CACHE / "build").glob("*/checkout")):
        if not pathlib.Path(path.read_text()).exists():
            say(f"removing the build of '{path.read_text()}', which is gone")
            with locked(path.parent.with_name(path.parent.name + ".lock")):
                shutil.rmtree(path.parent)
