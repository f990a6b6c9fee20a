import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { EMBEDDING, LLM, openai, OpenAI } from "../openai.mjs";

test(
  "models: list",
  "The list has the keys that requests can use, over all of its pages.",
  async () => {
    const names = [];
    for await (const model of openai.models.list()) {
      assert.equal(model.object, "model");
      names.push(model.id);
    }
    assert.ok(names.includes(LLM) && names.includes(EMBEDDING));
    assert.equal((await openai.models.retrieve(LLM)).id, LLM);
  },
);

test("models: unknown", "An unknown model is a NotFoundError that names it.", async () => {
  await assert.rejects(openai.models.retrieve("no-such-model"), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.status, 404);
    assert.match(error.message, /no-such-model/);
    return true;
  });
});

test(
  "embeddings: vectors",
  "Vectors have 768 dimensions, length 1, and tell meanings apart.",
  async () => {
    const input = ["a cat", "a kitten", "the stock market"];
    const { data, usage } = await openai.embeddings.create({ model: EMBEDDING, input });
    const [cat, kitten, market] = data.map((each) => each.embedding);
    const dot = (left, right) => left.reduce((sum, value, index) => sum + value * right[index], 0);
    assert.equal(cat.length, 768);
    assert.ok(Math.abs(dot(cat, cat) - 1) < 1e-5);
    assert.ok(dot(cat, kitten) > dot(cat, market) + 0.2);
    assert.ok(usage.total_tokens > 6);
  },
);
