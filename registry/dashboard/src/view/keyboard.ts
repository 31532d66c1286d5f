// What a key does in the treegrid: open or close the row, or move the focus to another one.

import type { Row } from "../fleet/rows";

export interface Step {
  open?: boolean;
  focus?: number;
}

export function stepFor(key: string, rows: readonly Row[], index: number): Step | undefined {
  const row = rows[index];
  if (!row) return undefined;
  switch (key) {
    case "ArrowDown":
      return { focus: Math.min(index + 1, rows.length - 1) };
    case "ArrowUp":
      return { focus: Math.max(index - 1, 0) };
    case "Home":
      return { focus: 0 };
    case "End":
      return { focus: rows.length - 1 };
    case "ArrowRight":
      if (row.children === 0) return {};
      return row.open ? { focus: index + 1 } : { open: true };
    case "ArrowLeft":
      if (row.children > 0 && row.open) return { open: false };
      return { focus: Math.max(0, rows.findIndex((each) => each.seen.node.nodeId === row.above)) };
    case "Enter":
    case " ":
      return row.children > 0 ? { open: !row.open } : {};
    default:
      return undefined;
  }
}
