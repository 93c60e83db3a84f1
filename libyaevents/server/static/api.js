/** The server: JSON in, JSON out, with the token of this start and the author. */

import { state } from "./state.js";

/** The server said no (`status`), did not answer (`status` 0), or answered what is no JSON. */
export class ApiError extends Error {
  constructor(status, message, body = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.body = body;
  }
}

export function isOffline(error) {
  return error instanceof ApiError && error.status === 0;
}

/** A fault that goes away by itself: no connection, a busy server, or one that cannot write just now. */
export function isPassing(error) {
  return error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
}

export function get(path) {
  return request("GET", path);
}

export function post(path, body = {}, options = {}) {
  return write("POST", path, body, options);
}

export function del(path, body = {}) {
  return write("DELETE", path, body, {});
}

async function write(method, path, body, options) {
  const whole = { author: state.author, ...body };
  try {
    return await request(method, path, whole, options);
  } catch (error) {
    // A server that was started again has another token; the page and what it holds are still good.
    if (error.status !== 403 || !(await renewToken())) throw error;
    return await request(method, path, whole, options);
  }
}

async function request(method, path, body, options = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    headers["X-Libyaevents-Token"] = tokenElement().content;
  }
  const sent = body === undefined ? undefined : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method, headers, body: sent, cache: "no-store", ...options });
  } catch (error) {
    throw new ApiError(0, error.message);
  }
  const answer = await readJson(response);
  if (!response.ok) throw new ApiError(response.status, answer.error ?? response.statusText, answer);
  return answer;
}

async function readJson(response) {
  let text;
  try {
    text = await response.text();
  } catch (error) {
    throw new ApiError(0, error.message);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(response.ok ? 502 : response.status, text.slice(0, 200) || response.statusText);
  }
}

function tokenElement() {
  return document.querySelector('meta[name="libyaevents-token"]');
}

/** Read the token of the server that runs now; false where it is the one that we have. */
async function renewToken() {
  let page;
  try {
    page = await (await fetch("/", { cache: "no-store" })).text();
  } catch {
    return false;
  }
  const found = new DOMParser().parseFromString(page, "text/html").querySelector('meta[name="libyaevents-token"]');
  if (!found || found.content === tokenElement().content) return false;
  tokenElement().content = found.content;
  return true;
}
