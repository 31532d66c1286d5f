import { useEffect, useState } from "preact/hooks";

import { emptyFleet, type Fleet } from "./fleet";
import { follow } from "./live";

export function useFleet(): Fleet {
  const [fleet, setFleet] = useState(emptyFleet);
  useEffect(() => follow(setFleet), []);
  return fleet;
}
