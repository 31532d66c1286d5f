"""Real Xylem processes for tests: a tree from `xylem up`, or single nodes; HTTP; waiting."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

BIN = pathlib.Path(os.environ.get("XYLEM_BIN", "build/release/bin")).resolve()


class CommandFailed(AssertionError):
    """A command did not end with success."""


def until(condition, what, limit_s=120):
    """Waits for a condition; its value, or an error that says what did not come true. `what` may be
    a function, which is asked in the end. A condition is not true when a command fails that it asks."""
    end = time.monotonic() + limit_s
    failed = None
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except (CommandFailed, subprocess.TimeoutExpired) as why:
            failed = why
        time.sleep(0.05)
    raise AssertionError(f"not within {limit_s} s: {what() if callable(what) else what}") from failed


def free_ports(count):
    """A first port with `count` free ones after it."""
    # Below 32768, from where on the kernel gives ports to connections that go out.
    for number in range(60):
        first = 21000 + (os.getpid() % 280 * 40 + number * 200) % (32768 - 21000 - count)
        sockets = []
        try:
            for port in range(first, first + count):
                sock = socket.socket()
                sockets.append(sock)
                sock.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for sock in sockets:
                sock.close()
    raise AssertionError("no free ports")


class Http:
    """One kept connection to host:port."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=120)

    def request(self, method, target, body=None, headers=None):
        try:
            self.connection.request(method, target, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def ask(address, method, target, body=None):
    """One exchange on a connection of its own: (status, body)."""
    with Http(address) as server:
        return server.request(method, target, body)


def ask_again(address, method, target, body=None):
    """As `ask`, once more for as long as the answer is that it cannot be done now."""
    def tried():
        answer = ask(address, method, target, body)
        return None if answer[0] == 503 else answer

    return until(tried, f"{method} {target} can be done")


def get_json(address, target):
    """None when it is refused or not 200: for conditions."""
    try:
        status, body = ask(address, "GET", target)
        return json.loads(body) if status == 200 else None
    except (OSError, http.client.HTTPException):
        return None


def quote(text):
    return urllib.parse.quote(text, safe="")


def output_of(done):
    """What a command printed. A failure shows what it said."""
    if done.returncode != 0:
        raise CommandFailed(f"{done.args} exited {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def run(*arguments, **options):
    """The `xylem` command; its output."""
    return output_of(subprocess.run([BIN / "xylem", *map(str, arguments)], capture_output=True,
                                    **options))


def run_again(*arguments):
    """As `run`, once more for as long as it is told to retry: for what may be done twice."""
    def tried():
        done = subprocess.run([BIN / "xylem", *map(str, arguments)], capture_output=True)
        return None if done.returncode != 0 and b"(retry" in done.stderr else done

    return output_of(until(tried, f"{arguments} is not told to retry"))


def make_topic(brokers, topic, *arguments):
    """As soon as a broker can; one that an earlier try made, whose answer came too late, is made."""
    until(lambda: run("topic", "create", topic, "--if-not-exists", "--broker", brokers, *arguments),
          f"topic {topic} is made")


class Directory:
    """A temporary directory; kept when XYLEM_KEEP is set."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="xylem-it-"))

    def remove(self):
        if "XYLEM_KEEP" in os.environ:
            print("kept", self.path)
        else:
            shutil.rmtree(self.path, ignore_errors=True)


class Tree:
    """`xylem up` in a directory of its own. `roots`: None: as many as it starts by itself."""

    def __init__(self, *arguments, roots=1, tree="l2=1,l3=1,pos=1,local=0", limit_s=150):
        self.directory = Directory()
        self.up_dir = self.directory.path / "up"
        self.log = open(self.directory.path / "up.log", "wb")
        if roots:
            arguments = ("--roots", str(roots), *arguments)
        self.process = subprocess.Popen(
            [BIN / "xylem", "up", "--no-console", "--dir", self.up_dir, "--tree", tree,
             "--base-port", str(free_ports(80)), *arguments],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL)
        os.set_blocking(self.process.stdout.fileno(), False)
        said = b""

        def ready():
            nonlocal said
            said += self.process.stdout.read() or b""
            if self.process.poll() is not None:
                raise AssertionError("xylem up ended: " + self.said())
            return b"ready\n" in said

        until(ready, "xylem up says ready; " + self.said(), limit_s)

    def said(self):
        return (self.directory.path / "up.log").read_text(errors="replace")[-4000:]

    def nodes(self, role=None):
        found = json.loads((self.up_dir / "endpoints.json").read_text())["nodes"]
        return [node for node in found if role is None or node["role"] == role]

    def node(self, name):
        return next(node for node in self.nodes() if node["id"] == name)

    def console(self, command):
        return run("console", "--dir", self.up_dir, "-c", command).decode()

    def data_dir(self, name):
        return self.up_dir / name / "data"

    def digest(self, name):
        """What `log dump --digest` says of it."""
        return json.loads(run("log", "dump", "--digest", "--json", self.data_dir(name)))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(120)
        finally:
            self.process.kill()
            self.process.stdout.close()
            self.log.close()
            self.directory.remove()


class Daemon:
    """One program of ours, its settings in the environment, its log in a file."""

    def __init__(self, program, log, prefix=(), **settings):
        self.program, self.log, self.prefix = program, log, list(prefix)
        self.settings = {key: str(value) for key, value in settings.items()}
        self.process = None

    def start(self):
        environment = {"PATH": os.environ["PATH"], **self.settings}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.prefix, BIN / self.program], env=environment,
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self

    def end(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(120)
