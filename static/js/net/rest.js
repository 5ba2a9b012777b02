// REST with the session cookie, for what the socket cannot do or cannot do now.
import { text } from "../lib/text.js";

const ANSWER_WITHIN = 20000; // ms

/** A request that failed: `code` is the API's, or "network" where no answer came; `retryAfter` in seconds. */
export class RestError extends Error {
  constructor(status, code, message, retryAfter = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

function csrfToken() {
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}

function messageOf(body) {
  if (body === null || typeof body !== "object") return text("refused");
  if (typeof body.detail === "string") return body.detail;
  const first = Object.values(body).flat()[0];
  return typeof first === "string" ? first : text("refused");
}

/** Call the API; returns the parsed answer, null without one. Throws RestError, also when `signal` stops it. */
export async function callApi(method, path, body, signal = null) {
  let response;
  let answer = null;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN), ...(signal === null ? [] : [signal])]),
    });
    if (response.headers.get("Content-Type")?.includes("json")) answer = await response.json();
  } catch {
    throw new RestError(0, "network", text("network"));
  }
  if (response.ok) return answer;
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  throw new RestError(response.status, answer?.code ?? "internal", messageOf(answer), retryAfter);
}
