"""Readers by HTTP alone, each on a thread of its own: server-sent events, and long polls."""
import http.client
import json
import threading

from processes import ask


class Stream:
    """Reads /stream on a thread of its own; comes back by Last-Event-ID whenever it was cut."""

    def __init__(self, address, target, position=None):
        self.host, port = address.rsplit(":", 1)
        self.port, self.target, self.position = int(port), target, position
        self.records, self.others, self.opened = [], [], 0
        self.is_stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_stopped.is_set():
            try:
                self.read()
            except (OSError, http.client.HTTPException):
                self.is_stopped.wait(0.05)

    def read(self):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        try:
            headers = {"Last-Event-ID": self.position} if self.position else {}
            connection.request("GET", self.target, headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                self.others.append((answer.status, answer.read()))
                self.is_stopped.wait(0.05)
                return
            self.opened += 1
            event = {}
            while line := answer.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    event[name] = value
                elif event:
                    self.take(event)
                    event = {}
        finally:
            connection.close()

    def take(self, event):
        """A whole event: the record and its position are kept together, as a reader would."""
        if "event" not in event:
            return
        self.position = event["id"]
        if event["event"] == "record":
            self.records.append(json.loads(event["data"]))
        elif event["event"] != "open":
            self.others.append(event)

    def stop(self):
        """It ends when its broker does."""
        self.is_stopped.set()


class Poll:
    """Long polls one partition on a thread of its own."""

    def __init__(self, address, topic, partition):
        self.address, self.records, self.next, self.wrong = address, [], 0, []
        self.target = f"/api/v1/topics/{topic}/records?partition={partition}&waitMs=2000&limit=50"
        self.is_stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_stopped.is_set():
            try:
                status, body = ask(self.address, "GET", f"{self.target}&from={self.next}")
            except (OSError, http.client.HTTPException):
                self.is_stopped.wait(0.05)
                continue
            page = json.loads(body)
            if status != 200:
                self.wrong.append(page)
                self.is_stopped.wait(0.05)
                continue
            self.records += page["records"]
            self.next = page["next"]

    def stop(self):
        self.is_stopped.set()
        self.thread.join(30)
