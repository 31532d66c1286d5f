"""The client library as others use it: installed, found by find_package, and the examples built on
it by themselves; they publish to and consume from the installed broker."""
import contextlib
import pathlib
import re
import signal
import sqlite3
import subprocess
import unittest

from processes import BIN, Daemon, Directory, free_ports, get_json, until

BUILD = BIN.parent
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
# What a program includes; the rest of the headers is what these include.
FRONTS = {"common/batch/due_time.h", "network/client/admin_client.h",
          "network/client/consumer.h", "network/client/delivered_records.h",
          "network/client/producer.h",
          "network/serializer/serializer.h", "common/loop/loop_thread.h", "common/signals.h",
          "common/timer.h"}
PROGRAMS = {"xylem", "xylem-broker", "xylem-consumer-app", "xylem-registry"}
FIRST, LOAD, MORE = 1_000, 20_000, 100  # sales published at a time
KILLS = 3  # with a load each

# Every object of the archive is linked, so everything that it calls must be found.
WHOLE = """
cmake_minimum_required(VERSION 3.25)
project(whole LANGUAGES CXX)
find_package(Xylem 0.1 REQUIRED)
add_executable(whole whole.cpp)
target_link_libraries(whole PRIVATE $<LINK_LIBRARY:WHOLE_ARCHIVE,Xylem::client>)
"""
WHOLE_MAIN = """
int main() {
  const auto avro = xylem::network::make_avro_serializer("\\"long\\"");
  return avro && *(*avro)->encode(-1) == "\\1" ? 0 : 1;
}
"""
PROBE = """
cmake_minimum_required(VERSION 3.25)
project(probe LANGUAGES CXX)
find_package(Xylem 0.2 QUIET)
if(Xylem_FOUND)
  message(FATAL_ERROR "0.2 was found, which is not there")
endif()
set(CMAKE_FIND_LIBRARY_PREFIXES none)
find_package(Xylem)
"""


def call(*arguments, **options):
    done = subprocess.run([str(each) for each in arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    return done.returncode, done.stdout


def cached(name):
    """A setting of the build under test: the foreign projects are built in the same way."""
    text = (BUILD / "CMakeCache.txt").read_text()
    return re.search(rf"^{name}:\w+=(.*)$", text, re.M)[1]


def includes(path):
    return re.findall(r'^#include ([<"])([^>"]+)[>"]', path.read_text(), re.M)


def share(count):
    """Units by sku, of the first `count` sales that example_producer publishes."""
    units = {}
    for i in range(count):
        units[f"sku-{i % 10}"] = units.get(f"sku-{i % 10}", 0) + 1 + i % 3
    return units


def added(*shares):
    return {sku: sum(one.get(sku, 0) for one in shares) for one in shares for sku in one}


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Directory()
        cls.addClassCleanup(cls.directory.remove)
        cls.prefix = cls.directory.path / "prefix"
        cls.must("cmake", "--install", BUILD, "--prefix", cls.prefix)

    @staticmethod
    def must(*arguments, **options):
        code, said = call(*arguments, **options)
        if code != 0:
            raise AssertionError(f"{arguments} exited {code}: {said[-4000:]}")
        return said

    def configure(self, source, build):
        flags = [f"-D{name}={cached(name)}" for name in
                 ("CMAKE_CXX_COMPILER", "CMAKE_CXX_FLAGS", "CMAKE_BUILD_TYPE")]
        return call("cmake", "-G", "Ninja", "-S", source, "-B", build, *flags,
                    f"-DCMAKE_PREFIX_PATH={self.prefix}")

    def build(self, source):
        build = self.directory.path / f"build-{source.name}"
        code, said = self.configure(source, build)
        self.assertEqual(code, 0, said)
        self.must("cmake", "--build", build, "--parallel", 2)
        return build

    def project(self, name, **files):
        source = self.directory.path / name
        source.mkdir()
        for file, text in files.items():
            (source / file.replace("_", ".", 1)).write_text(text)
        return source

    def headers(self):
        root = self.prefix / "include" / "xylem"
        return {path.relative_to(root).as_posix(): path for path in root.rglob("*.h")}

    def test_installs_the_programs_and_no_header_too_many(self):
        self.assertEqual({path.name for path in (self.prefix / "bin").iterdir()}, PROGRAMS)
        headers, reached, waiting = self.headers(), set(), set(FRONTS)
        while waiting:
            name = waiting.pop()
            reached.add(name)
            self.assertIn(name, headers, "cmake/install.cmake leaves it out")
            for bracket, include in includes(headers[name]):
                if bracket == "<":
                    self.assertNotRegex(include, r"[./]", f"{name} shows a third party")
                elif include not in reached:
                    waiting.add(include)
        self.assertEqual(reached, set(headers))

    def test_links_whole_with_what_the_package_names(self):
        text = "".join(f'#include "{name}"\n' for name in sorted(self.headers()))
        source = self.project("whole", CMakeLists_txt=WHOLE, whole_cpp=text + WHOLE_MAIN)
        self.must(self.build(source) / "whole")

    def test_says_what_is_missing(self):
        probe = self.project("probe", CMakeLists_txt=PROBE)
        code, said = self.configure(probe, probe / "build")
        self.assertEqual(code, 0, said)
        self.assertIn("apt install libavro-dev", " ".join(said.split()))

    def test_examples_publish_and_consume(self):
        self.examples = self.build(EXAMPLES)
        self.start_broker()
        self.must(self.prefix / "bin" / "xylem", "topic", "create", "sales", "--broker",
                  self.address, "--partitions", 2)
        self.publish(FIRST)
        self.assertEqual(self.consumed("first", FIRST), share(FIRST))
        self.sell_once_though_killed()
        self.publish(MORE)
        rest = added(*[share(LOAD)] * KILLS, share(MORE))
        self.assertEqual(self.consumed("second", KILLS * LOAD + MORE), rest,
                         "the group goes on behind what its first member printed")

    def start_broker(self):
        port = free_ports(3)
        self.address = f"127.0.0.1:{port}"
        broker = Daemon(self.prefix / "bin" / "xylem-broker", self.directory.path / "broker.log",
                        NODE_ID="alone", DATA_DIR=self.directory.path / "data",
                        LISTEN_HOST="127.0.0.1", BROKER_PORT=port, HTTP_PORT=port + 1,
                        PIPE_PORT=port + 2).start()
        self.addCleanup(broker.end)
        until(lambda: get_json(f"127.0.0.1:{port + 1}", "/api/v1/topics") is not None,
              "the broker serves")

    def publish(self, count):
        self.must(self.examples / "example_producer", self.address, "sales", count)

    def start(self, name, argument):
        """An example that runs until it is told to stop; what it prints is in a file."""
        with open(self.directory.path / f"{argument}.out", "ab") as out:
            process = subprocess.Popen([self.examples / name, self.address, "sales", argument],
                                       cwd=self.directory.path, stdout=out)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def consumed(self, run, count):
        """Units by sku that a member of the group printed; it is stopped after `count` sales."""
        out = self.directory.path / "tills.out"
        before = len(out.read_text().splitlines()) if out.exists() else 0

        def lines():
            return out.read_text().splitlines()[before:]

        member = self.start("example_consumer", "tills")
        until(lambda: len(lines()) >= count, lambda: f"{count} sales, not {len(lines())}: {run}")
        member.send_signal(signal.SIGTERM)
        self.assertEqual(member.wait(120), 0)
        units = {}
        for line in lines():
            sku, one = line.split()
            units[sku] = units.get(sku, 0) + int(one)
        return units

    def sold(self):
        """Units by sku in the database of example_exactly_once."""
        path = self.directory.path / "sales.db"
        with contextlib.closing(sqlite3.connect(path, timeout=120)) as database:
            try:
                return dict(database.execute("SELECT sku, units FROM sold"))
            except sqlite3.OperationalError:
                return {}  # not made yet

    def sell_once_though_killed(self):
        for kill in range(KILLS):
            seller = self.start("example_exactly_once", "sales.db")
            before = sum(self.sold().values())
            load = subprocess.Popen([self.examples / "example_producer", self.address, "sales",
                                     str(LOAD)])
            self.addCleanup(load.kill)
            until(lambda before=before: sum(self.sold().values()) > before,
                  f"something is sold before kill {kill}")
            seller.kill()
            seller.wait(120)
            self.assertEqual(load.wait(120), 0)
        expected = added(share(FIRST), *[share(LOAD)] * KILLS)
        seller = self.start("example_exactly_once", "sales.db")
        until(lambda: sum(self.sold().values()) >= sum(expected.values()), "all is counted")
        seller.send_signal(signal.SIGTERM)
        self.assertEqual(seller.wait(120), 0)
        self.assertEqual(self.sold(), expected)


if __name__ == "__main__":
    unittest.main()
