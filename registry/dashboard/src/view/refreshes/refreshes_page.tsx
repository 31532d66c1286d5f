import type { Fleet } from "../../fleet/fleet";
import { inSeconds } from "../../fleet/freshness";
import { scopeText } from "../../refreshes/refresh";
import { refreshHref } from "../../use_route";
import { PageTitle } from "../page_title";
import { ProgressBar } from "./progress_bar";
import { StartForm } from "./start_form";

const columns = ["Topic", "Where", "State", "Nodes", "Waves", "Started", "By", "Reason"];

export function RefreshesPage({ fleet, now }: { fleet: Fleet; now: number }) {
  return (
    <>
      <PageTitle text="Refreshes" />
      <StartForm fleet={fleet} />
      <table aria-label="Refreshes">
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
          {fleet.refreshes.map((refresh) => (
            <tr key={refresh.id} data-refresh={refresh.id} data-state={refresh.state}>
              <th scope="row">
                <a href={refreshHref(refresh.id)}>{refresh.topic}</a>
              </th>
              <td>{scopeText(refresh.scope)}</td>
              <td class="state" title={refresh.why}>
                {refresh.state}
              </td>
              <td>
                <ProgressBar nodes={refresh.nodes} />
              </td>
              <td class="number">
                {refresh.waves.begun} of {refresh.waves.total}
              </td>
              <td class="number" title={new Date(refresh.startedAt).toLocaleString()}>
                {inSeconds(Math.max(0, now - refresh.startedAt))} ago
              </td>
              <td>{refresh.who || "–"}</td>
              <td>{refresh.reason || "–"}</td>
            </tr>
          ))}
          {fleet.refreshes.length === 0 && (
            <tr>
              <td colSpan={columns.length} class="empty">
                No refresh has been started yet.
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </>
  );
}
