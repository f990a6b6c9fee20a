// The SDK under test, a client, and what several cases need.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

import { EMBEDDING } from "./model_keys.mjs";
import { settings } from "./settings.mjs";

export * from "./model_keys.mjs";

// The packages are in a cache folder, where an import of this file would not look for them.
const require = createRequire(`${settings.packages}/`);
export const sdk = require("@lmstudio/sdk");
export const { z } = require("zod");

export function newClient(options = {}) {
  return new sdk.LMStudioClient({ baseUrl: `ws://${settings.address}`, ...options });
}

export const client = newClient();

const loading = new Map();

/** Return the instance of a model that all cases share. The first case that asks for it loads it. */
export function shared(key) {
  if (!loading.has(key)) {
    const namespace = key === EMBEDDING ? client.embedding : client.llm;
    loading.set(key, namespace.load(key));
  }
  return loading.get(key);
}

/** Call `use` with an instance of its own, which is unloaded in any case. */
export async function withInstance(key, options, use) {
  const namespace = key === EMBEDDING ? client.embedding : client.llm;
  const model = await namespace.load(key, options);
  try {
    return await use(model);
  } finally {
    await namespace.unload(model.identifier);
  }
}

/** Wait a turn, fail unless each warning has the pattern and there is one, and remove them. */
export async function expectWarnings(warnings, pattern) {
  await new Promise(setImmediate);
  const all = warnings.splice(0);
  assert.ok(all.length > 0, `no warning with ${pattern}`);
  for (const warning of all) {
    assert.match(warning.replace(frame, " "), pattern);
  }
}

const frame = /[┌─┐│└┘\s]+/g;

/** Like assert.rejects, for the message without the frame and the lines that 1.5.0 puts it in. */
export async function assertRejects(promise, pattern) {
  await assert.rejects(promise, (error) => {
    assert.match(error.message.replace(frame, " "), pattern);
    return true;
  });
}

/** Return the identifiers of the loaded LLMs. */
export async function loadedIdentifiers() {
  return (await client.llm.listLoaded()).map((model) => model.identifier);
}
