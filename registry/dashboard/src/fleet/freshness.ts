// How old a node's data is, in words.

import type { Fleet, SeenNode } from "./fleet";

// Nothing is fresher than the last news of it.
export function isStale(seen: SeenNode, fleet: Fleet): boolean {
  return seen.node.stale || fleet.link === "LOST";
}

// undefined: not known.
export function ageMs(seen: SeenNode, fleet: Fleet, now: number): number | undefined {
  if (seen.node.ageMs < 0) return undefined;
  const silence = isStale(seen, fleet) ? Math.max(0, now - seen.receivedAt) : 0;
  return seen.node.ageMs + silence;
}

export function inSeconds(ms: number | undefined): string {
  if (ms === undefined) return "unknown";
  const seconds = ms / 1_000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds).toLocaleString("en")} s`;
}
