// The tree as a table that opens and closes.
// Pattern: https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/ (rows take the focus)

import { useRef, useState } from "preact/hooks";

import type { Fleet } from "../fleet/fleet";
import { rowsOf, type Row } from "../fleet/rows";
import { useHeldFocus } from "./held_focus";
import { stepFor } from "./keyboard";
import { NodeRow } from "./node_row";

const openFleetMax = 300; // nodes; a larger fleet starts with its upper levels open
const openLevelsOfLarge = 1;

const columns = [
  "Node",
  "Role",
  "Location",
  "Requested parent",
  "Actual parent",
  "Health",
  "Freshness",
  "End offsets",
];

export function TreeGrid({ fleet, now }: { fleet: Fleet; now: number }) {
  const [toggled, setToggled] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [focused, setFocused] = useState("");
  const body = useRef<HTMLTableSectionElement>(null);

  const isOpen = (id: string, level: number) =>
    toggled.get(id) ?? (fleet.nodes.size <= openFleetMax || level <= openLevelsOfLarge);
  const rows = rowsOf(fleet, isOpen);
  const tabStop = rows.some((row) => row.seen.node.nodeId === focused)
    ? focused
    : rows[0]?.seen.node.nodeId;
  const elementAt = (index: number) => body.current?.rows[index] as HTMLElement | undefined;
  useHeldFocus(body, () => elementAt(rows.findIndex((row) => row.seen.node.nodeId === tabStop)));

  const setOpen = (row: Row, open: boolean) =>
    setToggled(new Map(toggled).set(row.seen.node.nodeId, open));

  const onKeyDown = (event: KeyboardEvent) => {
    const index = rows.findIndex((row) => row.seen.node.nodeId === tabStop);
    const step = stepFor(event.key, rows, index);
    if (!step) return;
    event.preventDefault();
    const row = rows[index];
    if (step.open !== undefined && row) setOpen(row, step.open);
    const target = step.focus === undefined ? undefined : rows[step.focus];
    if (!target) return;
    setFocused(target.seen.node.nodeId);
    elementAt(step.focus as number)?.focus();
  };

  return (
    <table role="treegrid" aria-label="Nodes of the tree" aria-readonly="true">
      <thead>
        <tr role="row">
          {columns.map((column) => (
            <th key={column} role="columnheader" scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody ref={body} role="rowgroup" onKeyDown={onKeyDown}>
        {rows.map((row) => (
          <NodeRow
            key={row.seen.node.nodeId}
            row={row}
            fleet={fleet}
            now={now}
            isTabStop={row.seen.node.nodeId === tabStop}
            onFocus={() => setFocused(row.seen.node.nodeId)}
            onToggle={() => setOpen(row, !row.open)}
          />
        ))}
        {rows.length === 0 && (
          <tr role="row">
            <td role="gridcell" colSpan={columns.length} class="empty">
              No node has registered yet.
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
