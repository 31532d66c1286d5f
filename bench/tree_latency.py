#!/usr/bin/env python3
"""Starts a tree (root, L2, L3, POS), runs `xylem bench latency --vs null` against it, prints that.

Usage: bench/tree_latency.py [BIN] [-- OPTION...]   (options of `xylem bench latency`)
"""
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

USAGE = sys.argv[1:]
CUT = USAGE.index("--") if "--" in USAGE else len(USAGE)
BIN = pathlib.Path(USAGE[0] if CUT > 0 else "build/release/bin").resolve()
OPTIONS = USAGE[CUT + 1:] or ["--pairs", "10", "--seconds", "5", "--json"]


def main():
    # On a disk, not on a tmpfs: the first hop's sync is part of what is measured.
    directory = pathlib.Path(tempfile.mkdtemp(prefix="xylem-latency-", dir="/var/tmp"))
    tree = subprocess.Popen(
        [BIN / "xylem", "up", "--no-console", "--dir", directory / "up", "--base-port", "31000",
         "--tree", "l2=1,l3=1,pos=1,local=0", "--no-producer", "--no-consumer"],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        if not any(line.strip() == "ready" for line in tree.stdout):
            sys.exit("the tree did not come up")
        done = subprocess.run([BIN / "xylem", "bench", "latency", "--dir", directory / "up",
                               "--vs", "null", "--null-dir", directory, *OPTIONS])
        return done.returncode
    finally:
        tree.send_signal(signal.SIGTERM)
        tree.wait(60)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
