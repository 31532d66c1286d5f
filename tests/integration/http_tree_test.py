"""HTTP at every broker of a tree: who has not got a partition, or does not lead it, names the one that does."""
import json
import unittest

from http_readers import Stream
from processes import Tree, ask, ask_again, get_json, until

PARTITIONS = 6


class HttpTreeTest(unittest.TestCase):
    def setUp(self):
        # One replica each: every root broker has some of the partitions only.
        self.tree = Tree("--no-producer", roots=3)
        self.addCleanup(self.tree.stop)
        self.roots = {node["id"]: node["http"] for node in self.tree.nodes("ROOT")}
        topic = {"name": "t", "partitions": PARTITIONS, "replicas": 1, "minInsync": 1}
        status, answer = ask_again(self.roots["root-0"], "POST", "/api/v1/topics", json.dumps(topic))
        self.assertIn(status, (201, 409), answer)  # 409: it was made, and the answer came too late
        self.leaders = until(self.all_led, "every partition is led")
        self.assertGreater(len(set(self.leaders)), 1)

    def all_led(self):
        """The HTTP addresses of the leaders, by partition, once every broker says the same."""
        said = []
        for address in self.roots.values():
            topic = get_json(address, "/api/v1/topics/t") or {}
            said.append([self.roots.get(each["leader"]) for each in topic.get("partitionState", [])])
        is_one = all(each == said[0] for each in said)
        return said[0] if is_one and len(said[0]) == PARTITIONS and all(said[0]) else None

    def produce(self, address, partitions):
        """Partition -> where its value is. What could not be taken now is given again."""
        taken = {}

        def all_taken():
            left = [partition for partition in partitions if partition not in taken]
            messages = [{"value": f"value {p}", "partition": p} for p in left]
            status, answer = ask_again(address, "POST", "/api/v1/messages/batch",
                                       json.dumps({"topic": "t", "messages": messages}))
            self.assertEqual(status, 200, answer)
            for partition, result in zip(left, json.loads(answer)["results"]):
                if "offset" in result:
                    self.assertEqual(result["partition"], partition)
                    taken[partition] = result["offset"]
            return len(taken) == len(partitions)

        until(all_taken, lambda: f"all is taken; so far: {taken}")
        return taken

    def values(self, partition):
        page = get_json(self.leaders[partition], f"/api/v1/topics/t/records?partition={partition}")
        return {each["offset"]: each["value"] for each in (page or {"records": []})["records"]}

    def sends_on(self, target, leader):
        """Once the registry has told root-0 the HTTP addresses of all roots."""
        status, answer = ask(self.roots["root-0"], "GET", target)
        return (status, json.loads(answer).get("hint")) == (421, leader)

    def test_any_broker_takes_what_others_lead(self):
        first = self.roots["root-0"]
        taken = self.produce(first, range(PARTITIONS))
        for partition, leader in enumerate(self.leaders):
            for path in ("records?", "stream?") if leader != first else ():
                target = f"/api/v1/topics/t/{path}partition={partition}"
                until(lambda t=target, to=leader: self.sends_on(t, to), f"{target} is sent on")
            until(lambda p=partition: self.values(p).get(taken[p]) == f"value {p}",
                  f"partition {partition} has its value")
        self.check_below()

    def check_below(self):
        """Every broker below has all of it, and passes on what is published there."""
        for node in self.tree.nodes():
            if node["role"] not in ("L2", "L3", "POS"):
                continue
            stream = Stream(node["http"], "/api/v1/topics/t/stream")
            self.addCleanup(stream.stop)
            until(lambda stream=stream: {r["value"] for r in stream.records} >=
                  {f"value {p}" for p in range(PARTITIONS)}, f"{node['id']} streams everything")
            value = f"by {node['id']}"
            status, answer = ask_again(node["http"], "POST", "/api/v1/messages",
                                       json.dumps({"topic": "t", "value": value}))
            self.assertEqual(status, 200, answer)
            until(lambda value=value, stream=stream: value in [r["value"] for r in stream.records],
                  f"{node['id']} streams what was published there")


if __name__ == "__main__":
    unittest.main()
