import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { openai, TOOL_LLM } from "../openai.mjs";
import { ADD_DEFINITION, SUM } from "../tool_definitions.mjs";

test(
  "tools: required",
  "A call that is required has valid arguments, and its result can be sent back.",
  async () => {
    const messages = [{ role: "user", content: SUM }];
    const request = { model: TOOL_LLM, temperature: 0, max_tokens: 96, tools: [ADD_DEFINITION] };
    const asked = await openai.chat.completions.create({
      ...request,
      tool_choice: "required",
      messages,
    });
    const [choice] = asked.choices;
    assert.equal(choice.finish_reason, "tool_calls");
    const [call] = choice.message.tool_calls;
    assert.equal(call.type, "function");
    assert.equal(call.function.name, "add");
    const { a, b } = JSON.parse(call.function.arguments);
    assert.ok(Number.isInteger(a) && Number.isInteger(b));
    messages.push(choice.message, {
      role: "tool",
      tool_call_id: call.id,
      content: String(a + b),
    });
    const answer = await openai.chat.completions.create({
      ...request,
      tool_choice: "none",
      max_tokens: 24,
      messages,
    });
    assert.ok(answer.choices[0].message.content.length > 0);
  },
);

test(
  "tools: stream",
  "The pieces of a streamed call make up its name and its arguments.",
  async () => {
    const stream = await openai.chat.completions.create({
      model: TOOL_LLM,
      temperature: 0,
      max_tokens: 96,
      tools: [ADD_DEFINITION],
      tool_choice: "required",
      messages: [{ role: "user", content: SUM }],
      stream: true,
    });
    let name = "";
    let text = "";
    for await (const chunk of stream) {
      for (const call of chunk.choices[0]?.delta.tool_calls ?? []) {
        name += call.function.name ?? "";
        text += call.function.arguments ?? "";
      }
    }
    assert.equal(name, "add");
    assert.deepEqual(Object.keys(JSON.parse(text)).sort(), ["a", "b"]);
  },
);
