"""Disks whose power can be cut: an ext4 each, in an image of its own.

A cut is the file system's own shutdown (EXT4_IOC_SHUTDOWN, without a flush of its journal): what was
not synced is gone, as it is when the plug is pulled. Needs root. The mounts are seen by this process
and its children alone.
"""
import ctypes
import fcntl
import os
import struct
import subprocess

CLONE_NEWNS = 0x20000
EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


def is_possible():
    return os.geteuid() == 0


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


class Disks:
    def __init__(self, directory, count, size=1 << 30):
        self.directory = directory
        self.count = count
        if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
            raise OSError("a mount namespace of our own")
        run("mount", "--make-rprivate", "/")
        for number in range(count):
            with open(self._image(number), "wb") as image:
                image.truncate(size)
            run("mkfs.ext4", "-q", "-m", "0", self._image(number))
            self.path(number).mkdir()
        self.mount()

    def _image(self, number):
        return self.directory / f"image-{number}"

    def path(self, number):
        return self.directory / f"disk-{number}"

    def mount(self):
        for number in range(self.count):
            run("mount", "-o", "loop", self._image(number), self.path(number))

    def cut_power(self):
        for number in range(self.count):
            root = os.open(self.path(number), os.O_RDONLY)
            fcntl.ioctl(root, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
            os.close(root)

    def unmount(self):
        for number in range(self.count):
            run("umount", self.path(number))
