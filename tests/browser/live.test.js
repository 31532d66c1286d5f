// How the page behaves when the registry changes, goes and comes back; with a fake fleet.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openBrowser, openPage, rowOf } from "./browser.js";
import { startFakeFleet } from "./fake_fleet.js";

const patienceMs = 20_000;
let fleet;
let browser;
let page;
let errors;

before(async () => {
  fleet = await startFakeFleet();
  browser = await openBrowser();
  ({ page, errors } = await openPage(browser, fleet.url));
  await page.locator(".banner[data-link=LIVE]").waitFor({ state: "attached", timeout: patienceMs });
});

after(async () => {
  await browser?.close();
  await fleet?.close();
});

test("a node that registers appears by itself", async () => {
  await fleet.add("pos-1", { parent: "l3-0" });
  await rowOf(page, "pos-1").waitFor({ timeout: patienceMs });
});

test("a node that follows another parent than asked is marked", async () => {
  await fleet.add("pos-2", { parent: "l2-0" });
  await rowOf(page, "pos-2").locator("[data-elsewhere=true]").waitFor({ timeout: patienceMs });
  assert.equal(await rowOf(page, "pos-2").getAttribute("aria-level"), "3");
});

test("the focus stays with a node that moves, whichever way", async () => {
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("data-node"));
  const isAtLevel = (level) =>
    page.locator(`tr[data-node=pos-0][aria-level="${level}"]`).waitFor({ timeout: patienceMs });
  await rowOf(page, "pos-0").focus();
  await fleet.add("pos-0", { parent: "root-0" });
  await isAtLevel(2);
  assert.equal(await focused(), "pos-0");
  await fleet.add("pos-0", { parent: "l3-0" });
  await isAtLevel(4);
  assert.equal(await focused(), "pos-0");
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(), "l3-0");
});

test("what nodes say is shown as text", async () => {
  const markup = "<img src=x onerror=document.title='broken'>";
  await fleet.add("pos-3", { parent: "l3-0", lastError: markup });
  const health = rowOf(page, "pos-3").locator(".health");
  await health.waitFor({ timeout: patienceMs });
  assert.equal(await health.getAttribute("title"), markup);
  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.title(), "Xylem");
});

test("nodes that claim to follow each other are all shown", async () => {
  await fleet.add("pos-8", { parent: "pos-9" });
  await fleet.add("pos-9", { parent: "pos-8" });
  await rowOf(page, "pos-8").waitFor({ timeout: patienceMs });
  await rowOf(page, "pos-9").waitFor({ timeout: patienceMs });
});

test("without the registry everything looks stale, and it recovers", async () => {
  await fleet.stopRegistry();
  await page.locator(".banner[data-link=LOST]").waitFor({ timeout: patienceMs });
  assert.equal(await rowOf(page, "root-0").getAttribute("data-stale"), "true");
  await fleet.startRegistryAgain();
  await page.locator(".banner[data-link=LIVE]").waitFor({ state: "attached", timeout: patienceMs });
  await page.locator("tr[data-node=root-0][data-stale=false]").waitFor({ timeout: patienceMs });
});

test("a registry that hangs is a lost one, until it goes on", async () => {
  fleet.pauseRegistry();
  await page.locator(".banner[data-link=LOST]").waitFor({ timeout: 2 * patienceMs });
  fleet.resumeRegistry();
  await page.locator(".banner[data-link=LIVE]").waitFor({ state: "attached", timeout: patienceMs });
});

test("nothing on the page was blocked or threw", () => assert.deepEqual(errors, []));
