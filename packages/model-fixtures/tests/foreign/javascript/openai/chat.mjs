import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { test } from "../case_list.mjs";
import { LLM, openai, OpenAI, VISION_LLM, z, zodResponseFormat } from "../openai.mjs";
import { settings } from "../settings.mjs";

const CAPITAL = [{ role: "user", content: "What is the capital of France?" }];
const SHORT = { model: LLM, temperature: 0, max_tokens: 24 };

test("chat: answer", "An answer has its reason to end and counts its tokens.", async () => {
  const answer = await openai.chat.completions.create({ ...SHORT, messages: CAPITAL });
  const [choice] = answer.choices;
  assert.equal(answer.model, LLM);
  assert.equal(choice.message.role, "assistant");
  assert.match(choice.message.content, /Paris/);
  assert.equal(choice.finish_reason, "stop");
  const { usage } = answer;
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
});

test(
  "chat: stream",
  "The pieces of a stream make up the answer, and usage comes last.",
  async () => {
    const whole = await openai.chat.completions.create({ ...SHORT, messages: CAPITAL });
    const stream = await openai.chat.completions.create({
      ...SHORT,
      messages: CAPITAL,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) {
      chunks.push(chunk);
    }
    const pieces = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").filter(Boolean);
    assert.ok(pieces.length > 3);
    assert.equal(pieces.join(""), whole.choices[0].message.content);
    assert.equal(chunks.at(-1).usage.completion_tokens, whole.usage.completion_tokens);
  },
);

test(
  "chat: stream helper",
  "The client's own collector of a stream puts the same answer together.",
  async () => {
    const runner = openai.chat.completions.stream({ ...SHORT, messages: CAPITAL });
    let text = "";
    runner.on("content", (piece) => (text += piece));
    const answer = await runner.finalChatCompletion();
    assert.equal(answer.choices[0].message.content, text);
    assert.equal(answer.choices[0].finish_reason, "stop");
  },
);

test(
  "chat: abort",
  "A stream that the client ends early leaves the server free for the next request.",
  async () => {
    const messages = [{ role: "user", content: "Tell a long story." }];
    const stream = await openai.chat.completions.create({ model: LLM, messages, stream: true });
    for await (const chunk of stream) {
      assert.equal(chunk.object, "chat.completion.chunk");
      break;
    }
    const answer = await openai.chat.completions.create({
      ...SHORT,
      max_tokens: 1,
      messages: CAPITAL,
    });
    assert.equal(answer.choices[0].finish_reason, "length");
  },
);

test("chat: zod", "An answer with a zod schema is parsed by the client and valid.", async () => {
  const book = z.object({ title: z.string(), pages: z.number().int() });
  const answer = await openai.chat.completions.parse({
    model: LLM,
    temperature: 0,
    messages: [{ role: "user", content: "Describe the book The Hobbit as JSON." }],
    response_format: zodResponseFormat(book, "book"),
  });
  assert.deepEqual(book.parse(answer.choices[0].message.parsed), answer.choices[0].message.parsed);
});

test("chat: image", "A model that sees names the colour of an image in a data: URI.", async () => {
  const url = `data:image/png;base64,${readFileSync(join(settings.folder, "red.png"), "base64")}`;
  const content = [
    { type: "text", text: "What colour is the figure?" },
    { type: "image_url", image_url: { url } },
  ];
  const answer = await openai.chat.completions.create({
    ...SHORT,
    model: VISION_LLM,
    messages: [{ role: "user", content }],
  });
  assert.match(answer.choices[0].message.content, /\bred\b/);
});

test("completions: text", "A text completion continues its prompt.", async () => {
  const answer = await openai.completions.create({
    ...SHORT,
    prompt: "1, 2, 3, 4, 5, 6,",
    max_tokens: 8,
  });
  assert.match(answer.choices[0].text, /7/);
});

test(
  "chat: unknown model",
  "A model that nobody has is an error with the code model_not_found.",
  async () => {
    const asked = openai.chat.completions.create({
      ...SHORT,
      model: "nobody",
      messages: CAPITAL,
    });
    await assert.rejects(asked, (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, "model_not_found");
      return true;
    });
  },
);

test(
  "chat: bad value",
  "A value of the wrong type is a BadRequestError that names its place.",
  async () => {
    const asked = openai.chat.completions.create({
      ...SHORT,
      temperature: "hot",
      messages: CAPITAL,
    });
    await assert.rejects(asked, (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, "temperature");
      return true;
    });
  },
);
