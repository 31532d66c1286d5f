// What holds for any tree, real or fake: it comes up, opens and closes, and a killed broker shows.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openBrowser, openPage, rowOf } from "./browser.js";
import { startFakeFleet } from "./fake_fleet.js";
import { realTree } from "./real_tree.js";

const patienceMs = 60_000;
let tree;
let browser;
let page;
let errors;

before(async () => {
  tree = realTree() ?? (await startFakeFleet());
  browser = await openBrowser();
  ({ page, errors } = await openPage(browser, tree.url));
});

after(async () => {
  await browser?.close();
  await tree?.close();
});

async function nodesOfRegistry() {
  const answer = await fetch(`${tree.url}/api/v1/tree`);
  return (await answer.json()).nodes;
}

test("every node is a row, below its parent", async () => {
  const nodes = await nodesOfRegistry();
  assert.ok(nodes.length >= 4);
  for (const node of nodes) {
    const row = rowOf(page, node.nodeId);
    await row.waitFor({ timeout: patienceMs });
    const cells = await row.locator("td").allInnerTexts();
    assert.equal(cells[0].replace(/[▸▾]/u, "").trim(), node.nodeId);
    assert.equal(cells[1], node.role);
    await row
      .locator("td:nth-child(4)")
      .filter({ hasText: new RegExp(`^${node.parents[0] ?? "–"}$`) })
      .waitFor({ timeout: patienceMs }); // the page may hear of it later than we did
    assert.match(cells[6], /^([\d.,]+ s|unknown)$/);
    const level = { ROOT: "1", L2: "2", L3: "3", POS: "4" }[node.role];
    // A node that came up before its parent returns to it after half a minute.
    if (level) await row.and(page.locator(`[aria-level="${level}"]`)).waitFor({ timeout: patienceMs });
  }
});

test("rows close and open, by mouse and by keyboard", async () => {
  const nodes = await nodesOfRegistry();
  const root = nodes.find((node) => node.parents.length === 0).nodeId;
  const below = rowOf(page, nodes.find((node) => node.parents[0] === root).nodeId);
  await rowOf(page, root).locator(".opener").click();
  await below.waitFor({ state: "detached" });
  assert.equal(await rowOf(page, root).getAttribute("aria-expanded"), "false");
  await rowOf(page, root).focus();
  await page.keyboard.press("ArrowRight");
  await below.waitFor();
  await page.keyboard.press("ArrowRight");
  const focused = await page.evaluate(() => document.activeElement.getAttribute("aria-level"));
  assert.equal(focused, "2");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await rowOf(page, root).getAttribute("aria-expanded"), "true");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowLeft");
  await below.waitFor({ state: "detached" });
  await page.keyboard.press("Enter");
  await below.waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await rowOf(page, tree.victim).waitFor();
});

test("a killed broker turns unhealthy and stale, without a reload", async () => {
  const victim = rowOf(page, tree.victim);
  await page
    .locator(`tr[data-node="${tree.victim}"][data-stale="false"]`)
    .waitFor({ timeout: patienceMs });
  await tree.kill(tree.victim);
  await page
    .locator(`tr[data-node="${tree.victim}"][data-health="UNHEALTHY"][data-stale="true"]`)
    .waitFor({ timeout: patienceMs });
  assert.match(await victim.locator(".health").innerText(), /UNHEALTHY \(stale\)/);
  const background = await victim.evaluate((row) => getComputedStyle(row).backgroundImage);
  assert.notEqual(background, "none");
});

test("nothing on the page was blocked or threw", () => assert.deepEqual(errors, []));
