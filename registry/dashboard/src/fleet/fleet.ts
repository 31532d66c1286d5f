// The registry's answers as the page keeps them, and when each of them arrived.

import type { Refresh } from "../refreshes/refresh";

export type Role = "ROOT" | "L2" | "L3" | "POS" | "LOCAL";
export type Health = "HEALTHY" | "DEGRADED" | "UNHEALTHY";

export interface TopicState {
  name: string;
  partition: number;
  end: number;
  ageMs: number;
}

export interface FleetNode {
  nodeId: string;
  role: Role;
  location: string;
  parents: string[]; // requested, best first
  parent: string; // actual; "": none
  health: Health;
  stale: boolean;
  ageMs: number; // -1: not known
  topics: TopicState[];
  lastError: string;
}

export interface Tree {
  topologyVersion: number;
  clusterId: string;
  nodes: FleetNode[];
}

// LIVE: events arrive. POLLING: the tree is fetched again and again. LOST: not even that.
export type Link = "CONNECTING" | "LIVE" | "POLLING" | "LOST";

export interface SeenNode {
  node: FleetNode;
  receivedAt: number; // ms, of the page's own clock
}

export interface Fleet {
  nodes: ReadonlyMap<string, SeenNode>;
  refreshes: readonly Refresh[]; // those that run first
  topologyVersion: number;
  clusterId: string;
  link: Link;
  heardAt: number; // when the registry last answered; 0: never
}

export const emptyFleet: Fleet = {
  nodes: new Map(),
  refreshes: [],
  topologyVersion: 0,
  clusterId: "",
  link: "CONNECTING",
  heardAt: 0,
};

export function withTree(fleet: Fleet, tree: Tree, now: number): Fleet {
  const nodes = new Map(tree.nodes.map((node) => [node.nodeId, { node, receivedAt: now }]));
  return {
    ...fleet,
    nodes,
    topologyVersion: tree.topologyVersion,
    clusterId: tree.clusterId,
    heardAt: now,
  };
}

export function withNodes(fleet: Fleet, changed: readonly FleetNode[], now: number): Fleet {
  const nodes = new Map(fleet.nodes);
  for (const node of changed) nodes.set(node.nodeId, { node, receivedAt: now });
  return { ...fleet, nodes, heardAt: now };
}
