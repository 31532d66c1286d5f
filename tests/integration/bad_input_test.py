"""What comes from outside and is wrong gets a clear error and harms nobody."""
import json
import signal
import socket
import struct
import unittest

from processes import Daemon, Directory, ask, free_ports, get_json, until

HELLO, DATA, ERROR, SUBSCRIBE = 0x09, 0x01, 0x0A, 0x03


def frame(kind, payload, number=1):
    return struct.pack(">BQI", kind, number, len(payload)) + payload


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Directory()
        port = free_ports(3)
        cls.tcp, cls.http = ("127.0.0.1", port), f"127.0.0.1:{port + 1}"
        cls.pipe = f"127.0.0.1:{port + 2}"
        cls.broker = Daemon("xylem-broker", cls.directory.path / "log", NODE_ID="alone",
                            DATA_DIR=cls.directory.path / "data", LISTEN_HOST="127.0.0.1",
                            BROKER_PORT=port, HTTP_PORT=port + 1, PIPE_PORT=port + 2).start()
        until(lambda: get_json(cls.http, "/api/v1/topics"), "the broker serves")
        ask(cls.http, "POST", "/api/v1/topics", '{"name":"t"}')

    @classmethod
    def tearDownClass(cls):
        cls.broker.end(signal.SIGTERM)
        assert cls.broker.process.returncode == 0, "a clean stop"
        cls.directory.remove()

    def tearDown(self):
        # Nobody else noticed.
        body = json.dumps({"topic": "t", "key": "k", "value": "v"})
        self.assertEqual(ask(self.http, "POST", "/api/v1/messages", body)[0], 200)

    def said_to(self, data):
        """All that the broker answers before it closes."""
        with socket.create_connection(self.tcp, timeout=120) as sock:
            sock.sendall(data)
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
            return answer

    def test_frames(self):
        cases = {
            "an unknown type": frame(0x77, b""),
            "no HELLO first": frame(SUBSCRIBE, b"x" * 10),
            "a huge length": struct.pack(">BQI", HELLO, 1, 0xFFFFFFFF),
            "a HELLO that is no FlatBuffer": frame(HELLO, b"\xff" * 64),
            "an empty HELLO": frame(HELLO, b""),
        }
        for what, data in cases.items():
            with self.subTest(what):
                answer = self.said_to(data)
                self.assertGreater(len(answer), 13)
                self.assertEqual(answer[0], ERROR)
                self.assertGreater(len(answer[13:].strip(b"\0")), 20, "it says what is wrong")

    def test_half_open_connections_harm_nobody(self):
        sockets = [socket.create_connection(self.tcp) for _ in range(200)]
        for sock in sockets:
            sock.sendall(b"\x09\x00")
        body = json.dumps({"topic": "t", "value": "v"})
        self.assertEqual(ask(self.http, "POST", "/api/v1/messages", body)[0], 200)
        for sock in sockets:
            sock.close()

    def problem(self, address, method, target, body=None):
        status, answer = ask(address, method, target, body)
        return status, json.loads(answer)

    def test_http(self):
        cases = [
            ("bad JSON", "POST", "/api/v1/messages", "{", 400),
            ("no such topic", "POST", "/api/v1/messages", '{"topic":"u","value":"v"}', 404),
            ("no such partition", "POST", "/api/v1/messages",
             '{"topic":"t","value":"v","partition":9}', 404),
            ("a topic with a bad name", "POST", "/api/v1/topics", '{"name":"a/b"}', 400),
            ("a topic that is there", "POST", "/api/v1/topics", '{"name":"t"}', 409),
            ("an unknown field", "POST", "/api/v1/topics", '{"name":"x","colour":1}', 400),
            ("a bad number", "GET", "/api/v1/topics/t/records?from=x", None, 400),
            ("a limit out of range", "GET", "/api/v1/topics/t/records?limit=0", None, 400),
            ("an unknown argument", "GET", "/api/v1/topics/t/records?offset=0", None, 400),
            ("a time beyond all time", "POST", "/api/v1/messages",
             '{"topic":"t","value":"v","timestamp":18446744073709551615}', 400),
            ("an unknown path", "GET", "/api/v1/nothing", None, 404),
            ("a wrong method", "PUT", "/api/v1/topics", "{}", 405),
        ]
        for what, method, target, body, want in cases:
            with self.subTest(what):
                status, problem = self.problem(self.http, method, target, body)
                self.assertEqual(status, want, problem)
                self.assertEqual(problem["status"], want)
                self.assertTrue(problem["detail"])

    def test_an_oversized_body_is_refused_before_it_is_read(self):
        host, port = self.http.split(":")
        with socket.create_connection((host, int(port)), timeout=120) as sock:
            sock.sendall(b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\n"
                         b"Content-Length: 99999999999\r\n\r\n")
            self.assertIn(b" 413 ", sock.recv(65536).split(b"\r\n")[0])

    def test_the_pipe_refuses_what_is_no_fetch(self):
        for body in (b"", b"\0" * 8, b"\xff" * 100, b"\x04\0\0\0junk"):
            with self.subTest(body):
                status, problem = self.problem(self.pipe, "POST", "/pipe/v1/fetch", body)
                self.assertEqual(status, 400, problem)
                self.assertTrue(problem["detail"])


if __name__ == "__main__":
    unittest.main()
