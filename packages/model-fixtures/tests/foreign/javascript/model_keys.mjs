// The suite's models by their keys.
export const LLM = "llama-3.2-1b-instruct";
export const TOOL_LLM = "qwen2.5-7b-instruct-1m";
export const VISION_LLM = "mobilevlm_v2-1.7b";
export const DRAFT_LLM = "smollm2-135m-instruct";
export const EMBEDDING = "text-embedding-nomic-embed-text-v1.5";
