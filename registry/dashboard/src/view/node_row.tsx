import type { Fleet } from "../fleet/fleet";
import { ageMs, inSeconds, isStale } from "../fleet/freshness";
import type { Row } from "../fleet/rows";
import { EndOffsets } from "./end_offsets";

interface Props {
  row: Row;
  fleet: Fleet;
  now: number;
  isTabStop: boolean;
  onFocus: () => void;
  onToggle: () => void;
}

export function NodeRow({ row, fleet, now, isTabStop, onFocus, onToggle }: Props) {
  const { node } = row.seen;
  const stale = isStale(row.seen, fleet);
  const requested = node.parents[0] ?? "";
  const elsewhere = requested !== "" && node.parent !== requested;
  return (
    <tr
      role="row"
      data-node={node.nodeId}
      data-health={node.health}
      data-stale={stale}
      aria-level={row.level}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      {...(row.children > 0 ? { "aria-expanded": row.open } : {})}
      tabIndex={isTabStop ? 0 : -1}
      onFocus={onFocus}
    >
      <td role="gridcell" class="name">
        <span
          class={row.children > 0 ? "opener" : "opener leaf"}
          aria-hidden="true"
          onClick={row.children > 0 ? onToggle : undefined}
        />
        {node.nodeId}
      </td>
      <td role="gridcell">{node.role}</td>
      <td role="gridcell">{node.location || "–"}</td>
      <td role="gridcell" title={node.parents.join(", ")}>
        {requested || "–"}
      </td>
      <td role="gridcell" data-elsewhere={elsewhere}>
        {node.parent || "–"}
      </td>
      <td role="gridcell" class="health" title={node.lastError}>
        {node.health}
        {stale && <span class="stale-mark"> (stale)</span>}
      </td>
      <td role="gridcell" class="number">
        {inSeconds(ageMs(row.seen, fleet, now))}
      </td>
      <td role="gridcell">
        <EndOffsets topics={node.topics} />
      </td>
    </tr>
  );
}
