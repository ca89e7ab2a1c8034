"""Set up the project and run it, with nothing but Python 3.11 and pip.

    python3 scripts/try.py demo [options of `monitor demo`]   see a trading desk's inventory turn over
    python3 scripts/try.py test [options of pytest]           run the whole test suite
    python3 scripts/try.py setup                              only make the environment, for development

The environment is `.venv` beside this folder, with exactly the versions of `requirements/*.lock`; uv is used when it
is there. A finished set-up leaves a stamp, so that the next call starts at once; an interrupted one is finished.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCKS = {"demo": "runtime", "test": "dev", "setup": "dev"}
NO_PIP = """This Python has neither pip nor ensurepip, so nothing can be installed.
Install pip (on Debian and Ubuntu: apt install python3-pip, or python3-venv) or uv, and run the command again."""


def main() -> None:
    """Set up what the command needs, then become the command."""
    command, *options = sys.argv[1:] or ["help"]
    if command not in LOCKS:
        sys.exit(__doc__)
    if sys.version_info < (3, 11):  # noqa: UP036 - this file must tell it before anything is installed
        sys.exit(f"The monitor needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    set_up(LOCKS[command])
    os.chdir(ROOT)
    if command == "demo":
        become(["-m", "monitor", "demo", *options])
    if command == "test":
        become(["-m", "pytest", *options])


def set_up(lock: str) -> None:
    """Install the versions of a lock file and the project itself into `.venv`, unless that was done before."""
    stamp = VENV / f".{lock}.stamp"
    wanted = fingerprint(lock)
    if stamp.exists() and stamp.read_text() == wanted and works():
        return
    say(f"Setting up {VENV.name} ({lock}), once; this takes a minute or two ...")
    requirements = ["--require-hashes", "-r", f"requirements/{lock}.lock"]
    project = ["--no-deps", "--no-build-isolation", "-e", "."]
    install = installer()
    for arguments in (requirements, project):
        if subprocess.run([*install, *arguments], cwd=ROOT, check=False).returncode:
            sys.exit(f"Installing failed: {' '.join(arguments)}. The lines above say why; running again resumes.")
    # The loop over lots is compiled once here, so that no later command waits for it.
    subprocess.run([str(PYTHON), "-m", "monitor.turnover.warm"], cwd=ROOT, check=True)
    stamp.write_text(wanted)


def fingerprint(lock: str) -> str:
    """Return what the environment depends on: the lock, the project's metadata, the interpreter, the place."""
    parts = [ROOT / "requirements" / f"{lock}.lock", ROOT / "pyproject.toml"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()
    return f"{digest} {sys.version} {ROOT}"


def works() -> bool:
    """Return whether the environment's interpreter runs (a moved folder or an upgraded system breaks it)."""
    return PYTHON.exists() and subprocess.run([str(PYTHON), "-c", ""], check=False, capture_output=True).returncode == 0


def installer() -> list[str]:
    """Make `.venv` if it does not work yet; return the command that installs into it, bytecode compiled."""
    fresh = not works()
    if fresh and VENV.exists():
        shutil.rmtree(VENV)
    if uv := shutil.which("uv"):
        if fresh:
            run_or_stop([uv, "venv", "-q", "--python", sys.executable, str(VENV)])
        return [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(PYTHON)]
    if fresh:
        run_or_stop([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
    options = ["-q", "--disable-pip-version-check", "--no-input"]
    # pip of the outer Python installs into the environment (pip 22.3 and newer): Debian ships without ensurepip,
    # and an "externally managed" Python only guards itself.
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if subprocess.run([*pip, "--version"], check=False, capture_output=True).returncode == 0:
        return [*pip, "install", *options]
    if subprocess.run([str(PYTHON), "-m", "ensurepip", "-U"], check=False, capture_output=True).returncode == 0:
        return [str(PYTHON), "-m", "pip", "install", *options]
    sys.exit(NO_PIP)


def run_or_stop(command: list[str]) -> None:
    """Run a command; end with its name if it fails."""
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"This failed: {' '.join(command)}")


def become(arguments: list[str]) -> None:
    """Replace this process by the environment's interpreter, so that signals and exit codes are its own."""
    sys.stdout.flush()
    if os.name == "nt":
        sys.exit(subprocess.run([str(PYTHON), *arguments], check=False).returncode)
    os.execv(str(PYTHON), [str(PYTHON), *arguments])  # noqa: S606 - no shell is wanted


def say(text: str) -> None:
    """Talk on stderr: stdout belongs to the command's data."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
