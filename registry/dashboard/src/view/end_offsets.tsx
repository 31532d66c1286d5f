import type { TopicState } from "../fleet/fleet";

const shownMax = 4; // topics; the others are counted

// "prices 120, 98": the end of each partition, in order.
export function EndOffsets({ topics }: { topics: readonly TopicState[] }) {
  const byName = new Map<string, TopicState[]>();
  for (const topic of topics) byName.set(topic.name, [...(byName.get(topic.name) ?? []), topic]);
  const names = [...byName.keys()].sort();
  if (names.length === 0) return <>–</>;
  return (
    <ul class="ends">
      {names.slice(0, shownMax).map((name) => (
        <li key={name}>
          {name}{" "}
          <span class="number">
            {(byName.get(name) ?? [])
              .sort((a, b) => a.partition - b.partition)
              .map((topic) => topic.end.toLocaleString("en"))
              .join(" · ")}
          </span>
        </li>
      ))}
      {names.length > shownMax && <li>and {names.length - shownMax} more</li>}
    </ul>
  );
}
