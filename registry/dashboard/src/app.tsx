import { useFleet } from "./fleet/use_fleet";
import { useNow } from "./fleet/use_now";
import { useRoute } from "./use_route";
import { Banner } from "./view/banner";
import { Pages } from "./view/pages";
import { JobPage } from "./view/refreshes/job_page";
import { RefreshesPage } from "./view/refreshes/refreshes_page";
import { Summary } from "./view/summary";
import { TreeGrid } from "./view/treegrid";

export function App() {
  const fleet = useFleet();
  const now = useNow();
  const route = useRoute();
  return (
    <>
      <header>
        <h1>Xylem</h1>
        <Pages route={route} />
        <Summary fleet={fleet} />
      </header>
      <Banner fleet={fleet} now={now} />
      <main>
        {route.page === "tree" && <TreeGrid fleet={fleet} now={now} />}
        {route.page === "refreshes" && <RefreshesPage fleet={fleet} now={now} />}
        {route.page === "refresh" && <JobPage key={route.id} id={route.id} fleet={fleet} now={now} />}
      </main>
    </>
  );
}
