// Refreshes of many nodes as the registry tells them (openapi.json: Refresh).

export type JobState =
  | "RUNNING"
  | "STOPPING"
  | "FAILING"
  | "COMPLETED"
  | "PARTIAL"
  | "STOPPED"
  | "FAILED";

export const nodeStates = [
  "WAITING",
  "ORDERED",
  "RUNNING",
  "COMPLETED",
  "ABORTED",
  "AWAY",
  "NOT_BEGUN",
] as const;

export type NodeState = (typeof nodeStates)[number];

export interface Counts {
  total: number;
  waiting: number;
  ordered: number;
  running: number;
  completed: number;
  aborted: number;
  away: number;
  notBegun: number;
}

export interface Scope {
  node?: string;
  subtree?: string;
  fleet?: boolean;
}

export interface Refresh {
  id: string;
  topic: string;
  scope: Scope;
  wave: { nodes: number };
  maxFailures: number;
  reason: string;
  who: string;
  state: JobState;
  why: string;
  startedAt: number;
  endedAt: number | null;
  waves: { total: number; begun: number };
  lastRound: boolean;
  nodes: Counts;
}

export interface RefreshNode {
  nodeId: string;
  tier: string;
  wave: number;
  state: NodeState;
  phase: string | null;
  consumers: { total: number; reset: number; ready: number };
  replayed: number;
  toReplay: number;
  failure: string;
}

export interface RefreshWave {
  wave: number;
  tier: string;
  state: "WAITING" | "RUNNING" | "ENDED";
  nodes: Counts;
}

export interface RefreshPage {
  from: number;
  total: number;
  next: number | null;
  waves: RefreshWave[];
  nodes: RefreshNode[];
}

export function hasEnded(refresh: Refresh): boolean {
  return !["RUNNING", "STOPPING", "FAILING"].includes(refresh.state);
}

export function scopeText({ node, subtree }: Scope): string {
  if (node) return `node ${node}`;
  if (subtree) return `subtree ${subtree}`;
  return "fleet";
}

// Nodes of which nothing more is to come.
export function endedNodes({ completed, aborted, away, notBegun }: Counts): number {
  return completed + aborted + away + notBegun;
}

// "3 of 7 completed, 1 aborted, 2 away"
export function countsText(counts: Counts): string {
  const part = (count: number, word: string) =>
    count > 0 ? `, ${count.toLocaleString("en")} ${word}` : "";
  return (
    `${counts.completed.toLocaleString("en")} of ${counts.total.toLocaleString("en")} completed` +
    part(counts.running + counts.ordered, "at work") +
    part(counts.aborted, "aborted") +
    part(counts.away, "away") +
    part(counts.notBegun, "not begun")
  );
}

// Those that run first, then the newest, as the registry lists them.
export function inOrder(refreshes: readonly Refresh[]): Refresh[] {
  return [...refreshes].sort(
    (a, b) => Number(hasEnded(a)) - Number(hasEnded(b)) || b.startedAt - a.startedAt,
  );
}

export function withRefresh(refreshes: readonly Refresh[], changed: Refresh): Refresh[] {
  return inOrder([...refreshes.filter((each) => each.id !== changed.id), changed]);
}
