// Debian's Chromium, driven by playwright-core. Anything the page reports as an error fails the test
// that asks for `errors`: scripts that throw, and whatever the content security policy blocks.
import { chromium } from "playwright-core";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: flags,
  });
}

export async function openPage(browser, url) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !text.includes("net::ERR")) errors.push(text);
  });
  await page.goto(url);
  return { page, errors };
}

export const rowOf = (page, id) => page.locator(`tr[data-node="${id}"]`);
