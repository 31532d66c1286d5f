import type { RefreshWave } from "../../refreshes/refresh";
import { ProgressBar } from "./progress_bar";

export function JobWaves({ waves }: { waves: readonly RefreshWave[] }) {
  return (
    <section aria-labelledby="waves-title">
      <h3 id="waves-title">Waves</h3>
      <table aria-labelledby="waves-title">
        <thead>
          <tr>
            <th scope="col">Wave</th>
            <th scope="col">Tier</th>
            <th scope="col">State</th>
            <th scope="col">Nodes</th>
          </tr>
        </thead>
        <tbody>
          {waves.map((wave) => (
            <tr key={wave.wave} data-wave={wave.wave} data-state={wave.state}>
              <th scope="row" class="number">
                {wave.wave}
              </th>
              <td>{wave.tier}</td>
              <td class="state">{wave.state}</td>
              <td>
                <ProgressBar nodes={wave.nodes} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
