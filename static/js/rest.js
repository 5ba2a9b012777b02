// REST with the session cookie, for what the socket cannot do or cannot do now.
import { text } from "./text.js";

/** A request that failed: `code` is the API's, or "network" where no answer came. */
export class RestError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
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

/** Call the API; returns the parsed answer, null without one. Throws RestError. */
export async function callApi(method, path, body) {
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      credentials: "same-origin",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new RestError(0, "network", text("network"));
  }
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const answer = isJson ? await response.json() : null;
  if (!response.ok) throw new RestError(response.status, answer?.code ?? "internal", messageOf(answer));
  return answer;
}
