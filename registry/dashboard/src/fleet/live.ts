// Keeps a fleet up to date: events when the stream is open, the whole tree when it is not.

import { inOrder, withRefresh, type Refresh } from "../refreshes/refresh";
import { listRefreshes } from "../refreshes/requests";
import { emptyFleet, withNodes, withTree, type Fleet, type FleetNode, type Tree } from "./fleet";

const pollMs = 3_000;
const silenceMs = 3 * pollMs; // without an event; then the stream may be open and dead
const answerMs = 5_000; // how long the tree may take
const gatherMs = 100; // changes this close are drawn once

export function follow(show: (fleet: Fleet) => void): () => void {
  let fleet = emptyFleet;
  let events: EventSource | undefined;
  let changed: FleetNode[] = [];
  let changedRefreshes: Refresh[] = [];
  let gather = 0;
  let fetching = false;
  let fetchAgain = false;
  let closed = false;
  let heardAt = Date.now();

  const update = (next: Fleet) => {
    fleet = next;
    if (!closed) show(fleet);
  };

  const fetchTree = async () => {
    fetchAgain = fetching;
    if (fetching) return;
    fetching = true;
    try {
      const answer = await fetch("/api/v1/tree", { signal: AbortSignal.timeout(answerMs) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const tree = (await answer.json()) as Tree;
      const refreshes = inOrder(await listRefreshes());
      changed = [];
      changedRefreshes = [];
      const link = events?.readyState === EventSource.OPEN ? "LIVE" : "POLLING";
      update({ ...withTree(fleet, tree, Date.now()), refreshes, link });
    } catch {
      update({ ...fleet, link: "LOST" });
    }
    fetching = false;
    if (fetchAgain && !closed) void fetchTree();
  };

  const drawSoon = () => {
    heardAt = Date.now();
    gather ||= window.setTimeout(() => {
      gather = 0;
      const refreshes = changedRefreshes.splice(0).reduce(withRefresh, [...fleet.refreshes]);
      update({ ...withNodes(fleet, changed.splice(0), Date.now()), refreshes });
    }, gatherMs);
  };

  const take = (event: MessageEvent<string>) => {
    changed.push(JSON.parse(event.data) as FleetNode);
    drawSoon();
  };

  const takeRefresh = (event: MessageEvent<string>) => {
    changedRefreshes.push(JSON.parse(event.data) as Refresh);
    drawSoon();
  };

  const open = () => {
    events = new EventSource("/api/v1/events");
    events.addEventListener("node", take);
    events.addEventListener("gone", take);
    events.addEventListener("refresh", takeRefresh);
    events.addEventListener("topology", () => void fetchTree()); // also the first of a stream
    events.addEventListener("error", () => {
      if (fleet.link === "LIVE") void fetchTree();
    });
  };

  open();
  void fetchTree();
  const poll = window.setInterval(() => {
    const isOpen = events?.readyState === EventSource.OPEN;
    if (isOpen && fleet.link === "LIVE" && Date.now() - heardAt < silenceMs) return;
    if (events?.readyState === EventSource.CLOSED) open(); // it gives up by itself on an error answer
    void fetchTree();
  }, pollMs);

  return () => {
    closed = true;
    window.clearInterval(poll);
    window.clearTimeout(gather);
    events?.close();
  };
}
