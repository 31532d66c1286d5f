import { useEffect, useRef, useState } from "preact/hooks";

import type { Refresh, RefreshPage } from "./refresh";
import { getRefresh } from "./requests";

const paceMs = 1_000; // between two questions, however fast it changes

export const nodesPerPage = 100;

export interface Looked {
  refresh?: Refresh & { page: RefreshPage };
  trouble: string;
}

// One refresh with a page of its nodes, asked for again whenever `news` of it arrive.
export function useRefreshPage(id: string, from: number, state: string, news: unknown): Looked {
  const [looked, setLooked] = useState<Looked>({ trouble: "" });
  const askedAt = useRef(0);

  useEffect(() => setLooked({ trouble: "" }), [id]);
  useEffect(() => {
    askedAt.current = 0; // somebody turned the page: at once
  }, [id, from, state]);
  useEffect(() => {
    let left = false;
    const look = async () => {
      askedAt.current = Date.now();
      try {
        const refresh = await getRefresh(id, from, nodesPerPage, state);
        if (!left) setLooked({ refresh, trouble: "" });
      } catch (error) {
        if (!left) setLooked((before) => ({ ...before, trouble: (error as Error).message }));
      }
    };
    const wait = Math.max(0, askedAt.current + paceMs - Date.now());
    const timer = window.setTimeout(() => void look(), wait);
    return () => {
      left = true;
      window.clearTimeout(timer);
    };
  }, [id, from, state, news]);
  return looked;
}
