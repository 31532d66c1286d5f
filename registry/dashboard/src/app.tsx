import { useFleet } from "./fleet/use_fleet";
import { useNow } from "./fleet/use_now";
import { Banner } from "./view/banner";
import { Summary } from "./view/summary";
import { TreeGrid } from "./view/treegrid";

export function App() {
  const fleet = useFleet();
  const now = useNow();
  return (
    <>
      <header>
        <h1>Xylem</h1>
        <Summary fleet={fleet} />
      </header>
      <Banner fleet={fleet} now={now} />
      <main>
        <TreeGrid fleet={fleet} now={now} />
      </main>
    </>
  );
}
