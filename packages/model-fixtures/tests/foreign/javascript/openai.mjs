// OpenAI's client, unchanged but for its address.

import { createRequire } from "node:module";

import { settings } from "./settings.mjs";

const require = createRequire(`${settings.packages}/`);
const { OpenAI } = require("openai");

export const { z } = require("zod");
export const { zodResponseFormat } = require("openai/helpers/zod");
export { OpenAI };

export const LLM = "llama-3.2-1b-instruct";
export const TOOL_LLM = "qwen2.5-7b-instruct-1m";
export const VISION_LLM = "mobilevlm_v2-1.7b";
export const EMBEDDING = "text-embedding-nomic-embed-text-v1.5";

export const openai = new OpenAI({
  baseURL: `http://${settings.address}/v1`,
  apiKey: "none",
  maxRetries: 0,
});
