// What the page asks the registry for about refreshes. A refusal is an Error with its own words.

import type { Refresh, RefreshPage, Scope } from "./refresh";

const path = "/api/v1/refreshes";
const answerMs = 10_000;

export interface NewRefresh {
  topic: string;
  scope: Scope;
  wave: { nodes: number };
  maxFailures: number;
  reason: string;
  who: string;
}

async function ask<Answer>(target: string, body?: object): Promise<Answer> {
  const answer = await fetch(target, {
    signal: AbortSignal.timeout(answerMs),
    ...(body && {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  const json = (await answer.json()) as Answer & { detail?: string };
  if (!answer.ok) throw new Error(json.detail ?? `The registry answered ${answer.status}.`);
  return json;
}

export const listRefreshes = async () =>
  (await ask<{ refreshes: Refresh[] }>(`${path}?limit=100`)).refreshes;

export const startRefresh = (request: NewRefresh) => ask<Refresh>(path, request);

export const stopRefresh = (id: string) =>
  ask<Refresh>(`${path}/${encodeURIComponent(id)}/stop`, { who: "dashboard" });

export const getRefresh = (id: string, from: number, limit: number, state: string) =>
  ask<Refresh & { page: RefreshPage }>(
    `${path}/${encodeURIComponent(id)}?from=${from}&limit=${limit}` +
      (state ? `&state=${state}` : ""),
  );
