// OpenAI's client, unchanged but for its address.

import { createRequire } from "node:module";

import { settings } from "./settings.mjs";

export * from "./model_keys.mjs";

const require = createRequire(`${settings.packages}/`);
const { OpenAI } = require("openai");

export const { z } = require("zod");
export const { zodResponseFormat } = require("openai/helpers/zod");
export { OpenAI };

export const openai = new OpenAI({
  baseURL: `http://${settings.address}/v1`,
  apiKey: "none",
  maxRetries: 0,
});
