// The fleet as rows of a tree: every node below its parent, siblings by id.

import type { Fleet, SeenNode } from "./fleet";

export interface Row {
  seen: SeenNode;
  level: number; // from 1
  position: number; // among its siblings, from 1
  siblings: number;
  children: number;
  open: boolean;
  above: string; // id of the row it hangs on; "": none
}

type Children = Map<string, SeenNode[]>;

// The actual parent; while a node follows nobody we know, the first requested one that we do.
function parentOf(seen: SeenNode, fleet: Fleet): string {
  const { node } = seen;
  const candidates = [node.parent, ...node.parents];
  return candidates.find((id) => id !== node.nodeId && fleet.nodes.has(id)) ?? "";
}

function childrenOf(fleet: Fleet): Children {
  const children: Children = new Map();
  const ids = [...fleet.nodes.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const parents = new Map<string, string>();
  const isAbove = (id: string, start: string): boolean => {
    for (let at = start; at !== ""; at = parents.get(at) ?? "") if (at === id) return true;
    return false;
  };
  for (const id of ids) {
    const seen = fleet.nodes.get(id) as SeenNode;
    let parent = parentOf(seen, fleet);
    if (isAbove(id, parent)) parent = ""; // nodes may claim a circle; the page must not hang in it
    parents.set(id, parent);
    const siblings = children.get(parent);
    if (siblings) siblings.push(seen);
    else children.set(parent, [seen]);
  }
  return children;
}

export function rowsOf(fleet: Fleet, isOpen: (id: string, level: number) => boolean): Row[] {
  const children = childrenOf(fleet);
  const rows: Row[] = [];
  const add = (above: string, level: number) => {
    const siblings = children.get(above) ?? [];
    siblings.forEach((seen, index) => {
      const id = seen.node.nodeId;
      const open = isOpen(id, level);
      rows.push({
        seen,
        level,
        position: index + 1,
        siblings: siblings.length,
        children: children.get(id)?.length ?? 0,
        open,
        above,
      });
      if (open) add(id, level + 1);
    });
  };
  add("", 1);
  return rows;
}
