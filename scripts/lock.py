"""Resolve the dependencies anew and write the exact versions the project is built and tested with.

`requirements/runtime.lock` and `requirements/dev.lock` carry hashes and install a clone; `requirements/constraints.txt`
holds the same versions for `pip install -c`. One resolution for every platform and Python version; needs uv.

    python scripts/lock.py            keep the versions, add what is new
    python scripts/lock.py --upgrade  take the newest that pyproject.toml admits
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
COMMON = [
    "--universal",
    "--python-version=3.11",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--no-annotate",
    "-q",
]
# constraints.txt comes first: it is the one resolution, the locks only add hashes to it.
FILES = {
    "constraints.txt": ["--extra=dev", "--extra=editable", "--extra=dask"],
    "dev.lock": ["--extra=dev", "--extra=editable", "--generate-hashes"],
    "runtime.lock": ["--extra=editable", "--generate-hashes"],
}


def main() -> None:
    """Write the three files; `--upgrade` forgets the present versions first."""
    FOLDER.mkdir(exist_ok=True)
    for name, options in FILES.items():
        held = [] if name == "constraints.txt" else ["-c", str(FOLDER / "constraints.txt")]
        upgrade = sys.argv[1:] if name == "constraints.txt" else []
        command = [
            "uv",
            "pip",
            "compile",
            "pyproject.toml",
            *options,
            *COMMON,
            *held,
            *upgrade,
            "-o",
            str(FOLDER / name),
        ]
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
