"""What stands beside a broker's segments is deleted, cut and flipped: it starts, serves the same
records, and `xylem log verify --repair` leaves nothing wrong. state.db cannot be made again: it is
named."""
import json
import pathlib
import signal
import subprocess
import unittest

from processes import BIN, Daemon, Directory, free_ports, get_json, run, until

RECORDS = 3_000
DAMAGES = ("delete", "truncate", "flip")


def damage(path, how):
    if how == "delete":
        path.unlink()
    elif how == "truncate":
        with open(path, "r+b") as file:
            file.truncate(path.stat().st_size // 3)  # of `synced`: within its first slot
    else:
        content = bytearray(path.read_bytes())
        for at in range(len(content) // 3, len(content), 29):
            content[at] ^= 0x10
        path.write_bytes(content)


class RebuiltTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.remove)
        self.data = self.directory.path / "data"
        port = free_ports(3)
        self.tcp, self.http = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
        self.log = self.directory.path / "log"
        self.broker = Daemon("xylem-broker", self.log, NODE_ID="alone", DATA_DIR=self.data,
                             LISTEN_HOST="127.0.0.1", BROKER_PORT=port, HTTP_PORT=port + 1,
                             PIPE_PORT=port + 2, SEGMENT_BYTES=64 << 10)
        self.addCleanup(self.broker.end, signal.SIGKILL)
        self.start()
        run("topic", "create", "load", "--broker", self.tcp, "--partitions", 1)
        values = "".join(json.dumps({"key": f"k{i}", "value": f"{i:0200}"}) + "\n"
                         for i in range(RECORDS))
        run("produce", "load", "--broker", self.tcp, "--format", "ndjson", "--envelope",
            input=values.encode())
        self.consume("--group", "readers")
        self.stop()

    def start(self):
        self.broker.start()
        until(lambda: get_json(self.http, "/api/v1/topics"), "the broker serves")

    def stop(self):
        self.broker.end()
        self.assertEqual(self.broker.process.returncode, 0)

    def consume(self, *arguments):
        taken = run("consume", "load", "--broker", self.tcp, "--from", "earliest", "--count",
                    RECORDS, "--format", "value", *arguments, timeout=120)
        self.assertEqual([int(value) for value in taken.split()], list(range(RECORDS)))

    def digest(self):
        return run("log", "dump", "--digest", self.data, "load")

    def verify(self, *arguments):
        done = subprocess.run([BIN / "xylem", "log", "verify", "--json", self.data, *arguments],
                              capture_output=True)
        return done.returncode, json.loads(done.stdout)

    def files(self, name):
        return sorted(self.data.glob(f"logs/load-*/0/{name}"))

    def test_indexes_bounds_and_the_catalogue_are_made_again(self):
        self.assertEqual(self.verify()[0], 0)
        want = self.digest()
        self.assertGreater(len(self.files("*.log")), 5)
        for name in ("*.index", "*.timeindex", "synced", "meta.db"):
            for how in DAMAGES:
                with self.subTest(name=name, how=how):
                    paths = [self.data / name] if name == "meta.db" else self.files(name)
                    self.assertTrue(paths)
                    for path in paths:
                        damage(path, how)
                    if how != "delete" or name != "meta.db":
                        code, found = self.verify()
                        self.assertEqual(code, 1)
                        self.assertTrue(all(fault["remedy"] for fault in found["faults"]))
                    self.start()
                    self.consume()
                    self.stop()
                    self.assertEqual(self.digest(), want)
                    self.assertEqual(self.verify("--repair")[0], 0)
                    code, found = self.verify()
                    self.assertEqual((code, found["faults"]), (0, []))

    def test_a_damaged_state_is_named(self):
        state = self.data / "state.db"
        good = state.read_bytes()
        for how in ("truncate", "flip"):
            with self.subTest(how=how):
                for rest in ("state.db-wal", "state.db-shm"):
                    (self.data / rest).unlink(missing_ok=True)
                state.write_bytes(good)
                damage(state, how)
                code, found = self.verify()
                self.assertEqual(code, 1)
                self.assertEqual({pathlib.Path(fault["file"]).name for fault in found["faults"]},
                                 {"state.db"})
                self.log.write_text("")
                self.broker.start()
                self.assertNotEqual(self.broker.process.wait(120), 0)
                self.assertIn("state.db", self.log.read_text())
        for rest in ("state.db", "state.db-wal", "state.db-shm"):
            (self.data / rest).unlink(missing_ok=True)
        self.assertEqual(self.verify()[0], 1)
        self.log.write_text("")
        self.start()
        self.assertIn("state.lost", self.log.read_text())
        self.consume()
        self.stop()

    def test_repair_refuses_a_running_broker_and_keeps_what_is_good(self):
        segments = self.files("*.log")
        flipped = segments[2]
        with open(flipped, "r+b") as file:
            file.seek(20_000)
            byte = file.read(1)[0]
            file.seek(20_000)
            file.write(bytes([byte ^ 1]))
        before = {path: path.read_bytes() for path in segments if path != flipped}
        self.start()
        refused = subprocess.run([BIN / "xylem", "log", "verify", "--repair", self.data],
                                 capture_output=True)
        self.assertEqual(refused.returncode, 4)
        self.assertIn(b"stop the broker", refused.stderr)
        self.stop()
        code, found = self.verify("--repair")
        self.assertEqual(code, 1)  # an owner: what was there is gone
        self.assertIn("lost", {fault["kind"] for fault in found["faults"]})
        self.assertTrue(any("are lost here" in line for line in found["done"]))
        for path, content in before.items():
            self.assertEqual(path.read_bytes(), content)
        self.start()
        taken = run("consume", "load", "--broker", self.tcp, "--from", "earliest", "--format",
                    "value", timeout=120).split()
        self.assertGreater(len(taken), RECORDS * 0.8)
        self.assertEqual([int(value) for value in taken], sorted(map(int, taken)))
        self.stop()


if __name__ == "__main__":
    unittest.main()
