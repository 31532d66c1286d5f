"""A broker that has a topic of lines, "key TAB value", and a consumer-app that may copy it."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "integration"))
if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
    os.environ["XYLEM_BIN"] = sys.argv.pop(1)
from processes import Daemon, Directory, free_ports, get_json, run, until  # noqa: E402

TOPIC = "items"


def key(number):
    return f"item-{number:08d}"


def half_random(chance, count):
    """`count` characters that compress to about half."""
    noise = f"{chance.getrandbits(count * 2):0{count // 2}x}"
    return f"{noise[:count // 2]:x<{count}}"


class LinesAtBroker:
    """`lines` are the keys and values; `path` the file that has them."""

    def __init__(self, lines):
        self.directory = Directory()
        self.path = self.directory.path / "lines"
        with open(self.path, "w", encoding="ascii") as file:
            for name, value in lines:
                file.write(f"{name}\t{value}\n")
        self.port = free_ports(4)
        self.broker = Daemon("xylem-broker", self.directory.path / "broker.log", NODE_ID="bench",
                             DATA_DIR=self.directory.path / "broker", LISTEN_HOST="127.0.0.1",
                             BROKER_PORT=self.port, HTTP_PORT=self.port + 1,
                             PIPE_PORT=self.port + 2).start()
        self.broker_http = f"127.0.0.1:{self.port + 1}"
        self.consumer_http = f"127.0.0.1:{self.port + 3}"
        until(lambda: get_json(self.broker_http, "/api/v1/topics") is not None, "the broker serves")
        broker = f"127.0.0.1:{self.port}"
        run("topic", "create", TOPIC, "--flush", "never", "--cleanup", "compact", "--broker", broker)
        run("produce", TOPIC, self.path, "--delimiter", "\t", "--broker", broker)

    def consumer(self, data):
        """Not started."""
        return Daemon("xylem-consumer-app", self.directory.path / "consumer.log",
                      CONSUMER_TOPIC=TOPIC, CONSUMER_PORT=self.port + 3, BROKER_HOST="127.0.0.1",
                      BROKER_PORT=self.port, STORAGE_DATA_DIR=data)

    def stats(self):
        return get_json(self.consumer_http, "/api/query/stats") or {}

    def end(self):
        self.broker.end()
        self.directory.remove()


def lines_of(keys, value_bytes, prefix=""):
    chance = random.Random(1)
    return ((key(number), prefix + half_random(chance, value_bytes - len(prefix)))
            for number in keys)


def say(what):
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
