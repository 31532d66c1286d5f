import { useState } from "preact/hooks";

import type { Fleet } from "../../fleet/fleet";
import type { Scope } from "../../refreshes/refresh";
import { startRefresh } from "../../refreshes/requests";
import { refreshHref } from "../../use_route";

type Kind = "fleet" | "subtree" | "node";

const defaultWave = 50;
const waveMax = 1_000;
const failuresMax = 20_000;

function topicsOf(fleet: Fleet): string[] {
  const names = new Set<string>();
  for (const { node } of fleet.nodes.values())
    for (const topic of node.topics) if (!topic.name.startsWith("__")) names.add(topic.name);
  return [...names].sort();
}

function scopeOf(kind: Kind, node: string): Scope {
  if (kind === "fleet") return { fleet: true };
  return kind === "node" ? { node } : { subtree: node };
}

export function StartForm({ fleet }: { fleet: Fleet }) {
  const [kind, setKind] = useState<Kind>("fleet");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");

  const onSubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(fields.get(name) ?? "").trim();
    setBusy(true);
    setTrouble("");
    try {
      const started = await startRefresh({
        topic: text("topic"),
        scope: scopeOf(kind, text("node")),
        wave: { nodes: Number(text("wave")) },
        maxFailures: Number(text("failures")),
        reason: text("reason"),
        who: "dashboard",
      });
      location.hash = refreshHref(started.id);
    } catch (error) {
      setTrouble((error as Error).message);
    }
    setBusy(false);
  };

  return (
    <form class="start" aria-labelledby="start-title" onSubmit={(event) => void onSubmit(event)}>
      <h3 id="start-title">Start a refresh</h3>
      <div class="fields">
        <label>
          Topic
          <input name="topic" list="topics" required maxLength={200} autocomplete="off" />
        </label>
        <label>
          Where
          <select
            name="kind"
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value as Kind)}
          >
            <option value="fleet">the fleet below the root</option>
            <option value="subtree">a node and all below it</option>
            <option value="node">one node</option>
          </select>
        </label>
        <label hidden={kind === "fleet"}>
          Node
          <input
            name="node"
            list="nodes"
            required={kind !== "fleet"}
            disabled={kind === "fleet"}
            maxLength={128}
            autocomplete="off"
          />
        </label>
        <label>
          Nodes at a time
          <input name="wave" type="number" min={1} max={waveMax} defaultValue={`${defaultWave}`} required />
        </label>
        <label>
          Failures allowed
          <input name="failures" type="number" min={0} max={failuresMax} defaultValue="0" required />
        </label>
        <label>
          Reason
          <input name="reason" maxLength={256} autocomplete="off" />
        </label>
        <button type="submit" disabled={busy}>
          Start
        </button>
      </div>
      <datalist id="topics">
        {topicsOf(fleet).map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <datalist id="nodes">
        {kind !== "fleet" && [...fleet.nodes.keys()].map((id) => <option key={id} value={id} />)}
      </datalist>
      <p role="alert" class="trouble">
        {trouble}
      </p>
    </form>
  );
}
