"""The dashboard of a real tree in a real browser: it comes up, and a stopped broker turns unhealthy.

Runs tests/browser/tree.test.js against a tree from `xylem up`. CHROMIUM names the browser.
"""
import os
import pathlib
import shlex
import subprocess
import unittest

from processes import BIN, Tree

BROWSER_TESTS = pathlib.Path(__file__).resolve().parent.parent / "browser"


class DashboardTest(unittest.TestCase):
    def test_a_real_tree(self):
        tree = Tree("--no-producer", "--no-consumer")
        self.addCleanup(tree.stop)
        victim = tree.nodes("POS")[0]["id"]
        stop = [BIN / "xylem", "console", "--dir", tree.up_dir, "-c", f"broker stop {victim}"]
        environment = {**os.environ,
                       "XYLEM_REGISTRY_URL": "http://" + tree.nodes("REGISTRY")[0]["http"],
                       "XYLEM_VICTIM": victim,
                       "XYLEM_KILL": shlex.join(map(str, stop))}
        subprocess.run(["npm", "run", "--silent", "pretest"], cwd=BROWSER_TESTS, check=True)
        done = subprocess.run(["node", "--test", "tree.test.js"], cwd=BROWSER_TESTS,
                              env=environment, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"pass [1-9]", "no test ran")


if __name__ == "__main__":
    unittest.main()
