import { useLayoutEffect, useState } from "preact/hooks";

// The page one is on: the part of the address behind "#".
export interface Route {
  page: "tree" | "refreshes" | "refresh";
  id: string; // of a refresh
}

function routeOf(hash: string): Route {
  const [, page, id] = hash.split("/");
  if (page !== "refreshes") return { page: "tree", id: "" };
  return id ? { page: "refresh", id: decodeURIComponent(id) } : { page: "refreshes", id: "" };
}

export const refreshHref = (id: string) => `#/refreshes/${encodeURIComponent(id)}`;

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useLayoutEffect(() => {
    const follow = () => setRoute(routeOf(location.hash));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return route;
}
