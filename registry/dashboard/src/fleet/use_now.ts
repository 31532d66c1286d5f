import { useEffect, useState } from "preact/hooks";

// The time, once a second: ages grow on the page without news.
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const tick = window.setInterval(() => setNow(Date.now()), 1_000);
    return () => window.clearInterval(tick);
  }, []);
  return now;
}
