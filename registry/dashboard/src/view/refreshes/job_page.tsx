import { useState } from "preact/hooks";

import type { Fleet } from "../../fleet/fleet";
import { inSeconds } from "../../fleet/freshness";
import { hasEnded, scopeText, type Refresh } from "../../refreshes/refresh";
import { stopRefresh } from "../../refreshes/requests";
import { useRefreshPage } from "../../refreshes/use_refresh_page";
import { Confirm } from "../confirm";
import { PageTitle } from "../page_title";
import { JobNodes } from "./job_nodes";
import { JobWaves } from "./job_waves";
import { ProgressBar } from "./progress_bar";

function Facts({ refresh, now }: { refresh: Refresh; now: number }) {
  const took = Math.max(0, (refresh.endedAt ?? now) - refresh.startedAt);
  const facts: [string, preact.ComponentChildren][] = [
    ["Where", scopeText(refresh.scope)],
    ["Nodes", <ProgressBar nodes={refresh.nodes} />],
    ["At a time", `${refresh.wave.nodes} nodes, ${refresh.maxFailures} may fail`],
    ["Started", new Date(refresh.startedAt).toLocaleString()],
    [refresh.endedAt === null ? "Runs for" : "Took", inSeconds(took)],
    ["By", refresh.who || "–"],
    ["Reason", refresh.reason || "–"],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

// Said aloud when it changes, so no counts in here.
function StateLine({ refresh }: { refresh: Refresh }) {
  const round = refresh.lastRound ? ", trying again those that were away" : "";
  const wave = hasEnded(refresh)
    ? ""
    : `, wave ${refresh.waves.begun} of ${refresh.waves.total}${round}`;
  return (
    <p role="status" class="job-state" data-state={refresh.state}>
      <strong class="state">{refresh.state}</strong>
      {wave}
      {refresh.why && `: ${refresh.why}`}
    </p>
  );
}

function StopButton({ refresh }: { refresh: Refresh }) {
  const [asks, setAsks] = useState(false);
  const [trouble, setTrouble] = useState("");
  const onAnswer = (isYes: boolean) => {
    setAsks(false);
    if (!isYes) return;
    stopRefresh(refresh.id).then(
      () => setTrouble(""),
      (error: Error) => setTrouble(error.message),
    );
  };
  return (
    <>
      <button
        type="button"
        class="danger"
        disabled={refresh.state !== "RUNNING"}
        onClick={() => setAsks(true)}
      >
        Stop
      </button>
      <p role="alert" class="trouble">
        {trouble}
      </p>
      {asks && (
        <Confirm
          question={`Stop the refresh of ${refresh.topic}?`}
          consequence="No further node begins. Nodes that are at work are told to stop: their consumers keep the copies they have."
          yes="Stop it"
          no="Let it go on"
          onAnswer={onAnswer}
        />
      )}
    </>
  );
}

export function JobPage({ id, fleet, now }: { id: string; fleet: Fleet; now: number }) {
  const [from, setFrom] = useState(0);
  const [state, setState] = useState("");
  const news = fleet.refreshes.find((each) => each.id === id);
  const { refresh, trouble } = useRefreshPage(id, from, state, news ?? fleet.heardAt);
  const shown = news ?? refresh;
  return (
    <>
      <p>
        <a href="#/refreshes">All refreshes</a>
      </p>
      <PageTitle text={shown ? `Refresh of ${shown.topic}` : `Refresh ${id}`} />
      <p role="alert" class="trouble">
        {trouble}
      </p>
      {shown && (
        <>
          <StateLine refresh={shown} />
          <Facts refresh={shown} now={now} />
          {!hasEnded(shown) && <StopButton refresh={shown} />}
        </>
      )}
      {refresh && (
        <>
          <JobWaves waves={refresh.page.waves} />
          <JobNodes
            page={refresh.page}
            state={state}
            onState={(chosen) => {
              setState(chosen);
              setFrom(0);
            }}
            onFrom={setFrom}
          />
        </>
      )}
    </>
  );
}
