import { countsText, endedNodes, type Counts } from "../../refreshes/refresh";

export function ProgressBar({ nodes }: { nodes: Counts }) {
  return (
    <>
      <progress value={endedNodes(nodes)} max={Math.max(1, nodes.total)} aria-label="Nodes ended" />{" "}
      <span class="number">{countsText(nodes)}</span>
    </>
  );
}
