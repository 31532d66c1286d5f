"""HTTP queries at a rate, whatever happens, over kept connections; what each answer said, and when."""
import selectors
import socket
import statistics
import threading
import time

CONNECTIONS = 16
RECEIVE_BYTES = 1 << 16


class Asked:
    """One connection: a query under way, or none."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.host = address
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.due = None  # of the query under way
        self.sent = None

    def ask(self, target, due):
        self.received, self.due, self.sent = b"", due, time.monotonic()
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())

    def take(self):
        """(status, body) when the answer is whole."""
        more = self.socket.recv(RECEIVE_BYTES)
        if not more:
            raise ConnectionError("the connection was closed")
        self.received += more
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return None
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        return (int(lines[0].split()[1]), body) if len(body) >= length else None


class PacedQueries(threading.Thread):
    """`kinds`: a name, and what an answer of that kind contains; one of none has failed."""

    def __init__(self, address, rate, next_target, kinds):
        super().__init__(daemon=True)
        self.rate, self.next_target, self.kinds = rate, next_target, kinds
        self.connections = [Asked(address) for _ in range(CONNECTIONS)]
        self.answers = []  # (due, sent, received, kind)
        self.counts = {kind: 0 for kind in kinds}
        self.failed = []
        self.is_over = False

    def run(self):
        poll = selectors.DefaultSelector()
        for one in self.connections:
            poll.register(one.socket, selectors.EVENT_READ, one)
        idle = list(self.connections)
        began, number = time.monotonic(), 0
        while not self.is_over or len(idle) < len(self.connections):
            now = time.monotonic()
            while not self.is_over and idle and began + number / self.rate <= now:
                idle.pop().ask(self.next_target(), began + number / self.rate)
                number += 1
            wait = max(0.0, began + number / self.rate - time.monotonic())
            for ready, _ in poll.select(wait if idle else None):
                try:
                    answer = ready.data.take()
                except OSError as why:
                    self.failed.append(str(why))
                    return
                if answer:
                    self.note(ready.data, *answer)
                    idle.append(ready.data)

    def note(self, connection, status, body):
        kind = next((one for one, has in self.kinds.items() if has in body), None)
        if status != 200 or kind is None:
            self.failed.append(f"{status} {body[:200]!r}")
            return
        self.answers.append((connection.due, connection.sent, time.monotonic(), kind))
        self.counts[kind] += 1

    def answered(self, kind):
        if self.failed:
            raise AssertionError(f"a query failed: {self.failed[0]}")
        return self.counts[kind]

    def end(self):
        self.is_over = True
        self.join()

    def first(self, kind):
        return next(received for _, _, received, one in self.answers if one == kind)

    def mixed(self, old, new):
        """Old answers to what was asked after a new one had come."""
        flip = self.first(new)
        return sum(one == old and sent > flip for _, sent, _, one in self.answers)

    def longest_ms(self, after, before):
        return max((received - due) * 1e3 for due, _, received, _ in self.answers
                   if received >= after and due <= before)

    def percentile_ms(self, percent):
        took = [(received - due) * 1e3 for due, _, received, _ in self.answers]
        return max(took) if percent == 100 else statistics.quantiles(took, n=100)[percent - 1]
