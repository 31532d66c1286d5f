import type { Route } from "../use_route";

export function Pages({ route }: { route: Route }) {
  const link = (href: string, name: string, isHere: boolean) => (
    <a href={href} {...(isHere ? { "aria-current": "page" as const } : {})}>
      {name}
    </a>
  );
  return (
    <nav class="pages" aria-label="Pages">
      {link("#/", "Tree", route.page === "tree")}
      {link("#/refreshes", "Refreshes", route.page !== "tree")}
    </nav>
  );
}
