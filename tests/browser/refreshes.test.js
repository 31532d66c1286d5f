// The page of refreshes: starting one, watching it, stopping it; by mouse and by keyboard, live.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openBrowser, openPage } from "./browser.js";
import { startFakeFleet } from "./fake_fleet.js";

const patienceMs = 20_000;
let fleet;
let browser;
let page;
let errors;

const nodeOf = (id) => page.locator(`tr[data-job-node="${id}"]`);
const inState = (id, state) =>
  page
    .locator(`tr[data-job-node="${id}"][data-state="${state}"]`)
    .waitFor({ timeout: patienceMs });
const jobIs = (state) =>
  page.locator(`.job-state[data-state="${state}"]`).waitFor({ timeout: patienceMs });
const idOfPage = () => new URL(page.url()).hash.split("/")[2];

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

test("the page is reached by the navigation, with the keyboard", async () => {
  const link = page.getByRole("link", { name: "Refreshes" });
  await link.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Refreshes" }).waitFor();
  assert.equal(await link.getAttribute("aria-current"), "page");
  await page.locator("h2:focus").waitFor({ timeout: patienceMs });
  await page.waitForFunction(() => document.title === "Refreshes – Xylem");
  await page.getByText("No refresh has been started yet.").waitFor();
});

test("what the registry refuses is said", async () => {
  await page.getByLabel("Topic").fill("unknown");
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByRole("alert").getByText("carries topic unknown").waitFor({ timeout: patienceMs });
});

test("a refresh that is started shows its waves and nodes, and goes on live", async () => {
  await page.getByLabel("Topic").fill("prices");
  await page.getByLabel("Nodes at a time").fill("1");
  await page.getByLabel("Reason").fill("<b>monday</b>");
  await page.keyboard.press("Enter");
  await jobIs("RUNNING");
  await inState("l2-0", "ORDERED");
  assert.equal(await nodeOf("pos-0").getAttribute("data-state"), "WAITING");
  assert.equal(await page.locator("tr[data-wave]").count(), 3);
  await page.getByText("<b>monday</b>").waitFor();

  const id = idOfPage();
  const says = (state, more) => ({ refreshes: [{ id, topic: "prices", state, ...more }] });
  const consumers = { total: 4, reset: 4, ready: 1 };
  await fleet.add("l2-0", {
    parent: "root-0",
    ...says("REPLAYING", { replayed: 30, toReplay: 60, consumers }),
  });
  await inState("l2-0", "RUNNING");
  await nodeOf("l2-0").getByText("50 %").waitFor({ timeout: patienceMs });
  await nodeOf("l2-0").getByText("1 of 4").waitFor();
  await fleet.add("l2-0", { parent: "root-0", ...says("COMPLETED") });
  await inState("l3-0", "ORDERED");
  await page.locator('tr[data-wave="1"][data-state=ENDED]').waitFor({ timeout: patienceMs });
});

test("the list shows it as it is, and leads to it", async () => {
  await page.getByRole("link", { name: "All refreshes" }).click();
  const row = page.locator("tr[data-refresh][data-state=RUNNING]");
  await row.waitFor({ timeout: patienceMs });
  await row.getByText("1 of 3 completed").waitFor();
  await row.getByRole("link", { name: "prices" }).click();
  await jobIs("RUNNING");
});

test("a stop is asked for twice, and Escape takes it back", async () => {
  const stop = page.getByRole("button", { name: "Stop", exact: true });
  await stop.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Stop the refresh of prices?" });
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Stop");
  await jobIs("RUNNING");

  await stop.click();
  await dialog.getByRole("button", { name: "Stop it" }).click();
  await jobIs("STOPPING");
  const refreshes = [{ id: idOfPage(), topic: "prices", state: "ABORTED", failure: "stopped" }];
  await fleet.add("l3-0", { parent: "l2-0", refreshes });
  await jobIs("STOPPED");
  await inState("pos-0", "NOT_BEGUN");
  assert.equal(await stop.count(), 0);
});

test("nodes are chosen by their state", async () => {
  await page.getByLabel("State").selectOption("ABORTED");
  await nodeOf("pos-0").waitFor({ state: "detached", timeout: patienceMs });
  await nodeOf("l3-0").getByText("stopped").waitFor({ timeout: patienceMs });
});

test("the registry's restart changes nothing", async () => {
  await fleet.stopRegistry();
  await page.locator(".banner[data-link=LOST]").waitFor({ timeout: patienceMs });
  await fleet.startRegistryAgain();
  await page.locator(".banner[data-link=LIVE]").waitFor({ state: "attached", timeout: patienceMs });
  await page.reload();
  await jobIs("STOPPED");
});

test("dark and light differ, and both are used", async () => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  await page.emulateMedia({ colorScheme: "dark" });
  assert.notEqual(await ground(), light);
});

// The refusal above is an answer of 404, which browsers log as an error of the network.
test("nothing on the page was blocked or threw", () =>
  assert.deepEqual(errors.filter((error) => !error.includes("status of 404")), []));
