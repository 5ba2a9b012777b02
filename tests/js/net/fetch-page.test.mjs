// What counts as a page, and what tells that there is none.
import assert from "node:assert/strict";
import test from "node:test";
import { fetchPage, fetchPart, PageError } from "../../../static/js/net/fetch-page.js";

const { signal } = new AbortController();
let headers = null;
const answers = {
  html: { ok: true, redirected: false, status: 200, text: async () => "html" },
  redirected: { ok: true, redirected: true, url: "http://flowra.test/accounts/login/?next=/", status: 200, text: async () => "" },
  elsewhere: { ok: true, redirected: true, url: "http://flowra.test/", status: 200, text: async () => "home" },
  gone: { ok: false, redirected: false, status: 404, headers: new Headers(), text: async () => "not found" },
  away: { ok: false, redirected: false, status: 503, headers: new Headers({ "Retry-After": "7" }), text: async () => "" },
  cut: { ok: true, redirected: false, status: 200, text: async () => Promise.reject(new Error("cut off")) },
};
globalThis.fetch = async (path, options) => {
  if (path === "silent") throw new TypeError("network");
  options.signal.throwIfAborted();
  headers = options.headers;
  return answers[path];
};

test("a page is one that was asked for: no redirect to the sign-in, no error, no silence", async () => {
  assert.equal(await fetchPage("html", signal), "html");
  for (const [path, status] of [["redirected", 0], ["gone", 404], ["away", 503], ["cut", 0], ["silent", 0]]) {
    const isIt = (error) => error instanceof PageError && error.status === status;
    await assert.rejects(fetchPage(path, signal), isIt, path);
  }
  await assert.rejects(fetchPage("away", signal), ({ retryAfter }) => retryAfter === 7);
  await assert.rejects(fetchPage("redirected", signal), ({ isSignedOut }) => isSignedOut);
  await assert.rejects(fetchPage("elsewhere", signal), ({ isSignedOut }) => !isSignedOut);
});

test("only a part is asked for by a header", async () => {
  await fetchPage("html", signal);
  assert.deepEqual(headers, {});
  await fetchPart("html", signal);
  assert.deepEqual(headers, { "X-Requested-With": "fetch" });
});

test("what ends the part of the page ends the request", async () => {
  await assert.rejects(fetchPart("html", AbortSignal.abort()), PageError);
});
