import type { Fleet, Link } from "../fleet/fleet";
import { inSeconds } from "../fleet/freshness";

const words: Record<Link, string> = {
  CONNECTING: "Connecting to the registry…",
  LIVE: "",
  POLLING: "The live stream is interrupted; the tree is fetched every few seconds.",
  LOST: "The registry does not answer.",
};

// Says aloud that what one sees is not live.
export function Banner({ fleet, now }: { fleet: Fleet; now: number }) {
  const since =
    fleet.link === "LOST" && fleet.heardAt > 0
      ? ` Everything below is as it was ${inSeconds(now - fleet.heardAt)} ago.`
      : "";
  return (
    <p class="banner" role="status" data-link={fleet.link} hidden={fleet.link === "LIVE"}>
      {words[fleet.link]}
      {since}
    </p>
  );
}
