// A registry process of its own, and nodes that only heart-beat: the tree without brokers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const heartbeatMs = 1_000;

async function startRegistry(directory, port) {
  const program = join(process.env.XYLEM_BIN ?? "build/release/bin", "xylem-registry");
  const child = spawn(
    program,
    ["--registry-host", "127.0.0.1", "--registry-port", String(port), "--insecure",
     "--heartbeat-ms", String(heartbeatMs), "--registry-store", `sqlite:${join(directory, "r.db")}`],
    { stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env.PATH } },
  );
  const listening = new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stderr });
    const log = [];
    lines.on("line", (line) => {
      log.push(line);
      const found = /event=registry\.listening .*port=(\d+)/.exec(line);
      if (found) resolve(Number(found[1]));
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`${program} ended:\n${log.join("\n")}`)));
  });
  return { child, port: await listening };
}

function reportOf(node, instance) {
  return {
    location: "", roleWish: null, clusterId: "", version: "0.1.0", instance,
    addresses: { tcp: "127.0.0.1:1", http: "127.0.0.1:2", pipe: "http://127.0.0.1:3" },
    topologyVersion: 0, health: "HEALTHY", parent: "", ageMs: 40, lastError: "",
    topics: [{ name: "prices", partition: 0, end: 1234, ageMs: 40 }],
    memoryBytes: 1, uptimeMs: 1, ...node,
  };
}

export async function startFakeFleet() {
  const directory = await mkdtemp(join(tmpdir(), "xylem-browser-"));
  let registry = await startRegistry(directory, 0);
  const url = `http://127.0.0.1:${registry.port}`;
  const beats = new Map();

  const stopRegistry = async () => {
    registry.child.kill("SIGTERM");
    await once(registry.child, "exit");
  };

  const fleet = {
    url,
    victim: "l2-0",
    async add(id, node = {}) {
      const body = JSON.stringify(reportOf(node, `${id}-1`));
      const headers = { "content-type": "application/json" };
      const put = () => fetch(`${url}/api/v1/nodes/${id}`, { method: "PUT", headers, body });
      const answer = await put();
      if (!answer.ok) throw new Error(await answer.text());
      clearInterval(beats.get(id)); // it says something else from now on
      beats.set(id, setInterval(() => put().catch(() => {}), heartbeatMs));
    },
    async kill(id) {
      clearInterval(beats.get(id));
    },
    stopRegistry,
    async startRegistryAgain() {
      registry = await startRegistry(directory, registry.port);
    },
    pauseRegistry: () => registry.child.kill("SIGSTOP"),
    resumeRegistry: () => registry.child.kill("SIGCONT"),
    async close() {
      for (const beat of beats.values()) clearInterval(beat);
      if (registry.child.exitCode === null) await stopRegistry();
      await rm(directory, { recursive: true });
    },
  };
  await fleet.add("root-0");
  await fleet.add("l2-0", { parent: "root-0" });
  await fleet.add("l3-0", { parent: "l2-0" });
  await fleet.add("pos-0", { parent: "l3-0" });
  return fleet;
}
