import type { Fleet, Health } from "../fleet/fleet";

const healths: Health[] = ["HEALTHY", "DEGRADED", "UNHEALTHY"];

export function Summary({ fleet }: { fleet: Fleet }) {
  const count = (health: Health) =>
    [...fleet.nodes.values()].filter((seen) => seen.node.health === health).length;
  return (
    <dl class="summary">
      <div>
        <dt>Nodes</dt>
        <dd data-testid="node-count">{fleet.nodes.size}</dd>
      </div>
      {healths.map((health) => (
        <div key={health} data-health={health}>
          <dt>{health.toLowerCase()}</dt>
          <dd>{count(health)}</dd>
        </div>
      ))}
      <div>
        <dt>Topology version</dt>
        <dd>{fleet.topologyVersion}</dd>
      </div>
      <div>
        <dt>Cluster</dt>
        <dd>
          <code>{fleet.clusterId ? fleet.clusterId.slice(0, 8) : "none yet"}</code>
        </dd>
      </div>
    </dl>
  );
}
