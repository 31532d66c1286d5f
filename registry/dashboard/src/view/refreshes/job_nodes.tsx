import { nodeStates, type RefreshNode, type RefreshPage } from "../../refreshes/refresh";
import { nodesPerPage } from "../../refreshes/use_refresh_page";

const columns = ["Node", "Wave", "Tier", "State", "Phase", "Consumers ready", "Replayed", "Failure"];

function Replayed({ node }: { node: RefreshNode }) {
  if (node.toReplay <= 0) return <>–</>;
  const percent = Math.min(100, Math.floor((100 * node.replayed) / node.toReplay));
  return (
    <>
      <progress value={percent} max={100} aria-label={`Replayed at ${node.nodeId}`} /> {percent} %
    </>
  );
}

function NodeLine({ node }: { node: RefreshNode }) {
  return (
    <tr data-job-node={node.nodeId} data-state={node.state}>
      <th scope="row">{node.nodeId}</th>
      <td class="number">{node.wave}</td>
      <td>{node.tier}</td>
      <td class="state">{node.state}</td>
      <td>{node.phase ?? "–"}</td>
      <td class="number">
        {node.consumers.ready} of {node.consumers.total}
      </td>
      <td class="number">
        <Replayed node={node} />
      </td>
      <td>{node.failure || "–"}</td>
    </tr>
  );
}

interface Props {
  page: RefreshPage;
  state: string;
  onState: (state: string) => void;
  onFrom: (from: number) => void;
}

export function JobNodes({ page, state, onState, onFrom }: Props) {
  const { from, next, total, nodes } = page;
  return (
    <section aria-labelledby="nodes-title">
      <h3 id="nodes-title">Nodes</h3>
      <div class="actions">
        <label>
          State{" "}
          <select value={state} onChange={(event) => onState(event.currentTarget.value)}>
            <option value="">any</option>
            {nodeStates.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <span class="number">
          {total === 0 ? "none" : `${from + 1} to ${from + nodes.length} of ${total}`}
        </span>
        <button type="button" disabled={from === 0} onClick={() => onFrom(Math.max(0, from - nodesPerPage))}>
          Previous
        </button>
        <button type="button" disabled={next === null} onClick={() => onFrom(next ?? 0)}>
          Next
        </button>
      </div>
      <table aria-labelledby="nodes-title">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <NodeLine key={node.nodeId} node={node} />
          ))}
        </tbody>
      </table>
    </section>
  );
}
