"""Builds the dashboard into its dist/ directory, if what is there is older than its sources.

All build presets share one dist/; this check keeps the second one from building it again.

usage: build_dashboard.py NPM DASHBOARD_DIRECTORY
"""
import fcntl
import pathlib
import subprocess
import sys


def newest(paths):
    return max(path.stat().st_mtime for path in paths)


def is_older(output, inputs):
    return not output.exists() or output.stat().st_mtime < newest(inputs)


def main(npm, directory):
    directory = pathlib.Path(directory)
    lock = directory / "package-lock.json"
    installed = directory / "node_modules" / ".package-lock.json"
    sources = [path for path in (directory / "src").rglob("*") if path.is_file()]
    sources += [path for path in directory.glob("*.*") if path.is_file()]
    with open(lock) as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if is_older(installed, [lock]):
            subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=directory, check=True)
            installed.touch()
        if is_older(directory / "dist" / "index.html", [*sources, installed]):
            subprocess.run([npm, "run", "--silent", "build"], cwd=directory, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
