import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, client, EMBEDDING, LLM, shared, withInstance } from "../lmstudio.mjs";

const dot = (left, right) => left.reduce((sum, value, index) => sum + value * right[index], 0);

test(
  "embedding: one text",
  "A vector has 768 dimensions, length 1, and the Python client's values.",
  async () => {
    const { embedding } = await (await shared(EMBEDDING)).embed("A cat sits on the mat.");
    assert.equal(embedding.length, 768);
    assert.ok(Math.abs(dot(embedding, embedding) - 1) < 1e-5);
    return embedding;
  },
);

test(
  "embedding: several texts",
  "Texts of like meaning are nearer to each other than to another.",
  async () => {
    const model = await shared(EMBEDDING);
    const vectors = (await model.embed(["a cat", "a kitten", "the stock market"])).map(
      (each) => each.embedding,
    );
    assert.equal(vectors.length, 3);
    const [cat, kitten, market] = vectors;
    assert.ok(dot(cat, kitten) > dot(cat, market) + 0.2);
  },
);

test(
  "embedding: tokens",
  "Tokens are listed with the model's own two at the ends, and counted without them.",
  async () => {
    const model = await shared(EMBEDDING);
    const tokens = await model.tokenize("A cat sits on the mat.");
    assert.equal(await model.countTokens("A cat sits on the mat."), tokens.length - 2);
    assert.equal(await model.getContextLength(), 2048);
    return tokens;
  },
);

test(
  "embedding: loading",
  "An embedding model is loaded, listed, described and unloaded.",
  async () => {
    const listed = async () => (await client.embedding.listLoaded()).map((each) => each.identifier);
    await withInstance(EMBEDDING, { identifier: "vectors" }, async (model) => {
      assert.ok((await listed()).includes("vectors"));
      const info = await model.getModelInfo();
      assert.equal(info.type, "embedding");
      assert.equal(info.identifier, "vectors");
      assert.equal(info.maxContextLength, 2048);
    });
    assert.ok(!(await listed()).includes("vectors"));
  },
);

test(
  "embedding: any",
  "model() without a key is the loaded embedding model, not an LLM.",
  async () => {
    await shared(EMBEDDING);
    assert.equal((await client.embedding.model()).modelKey, EMBEDDING);
  },
);

test("embedding: LLM", "An LLM is refused where an embedding model is wanted.", async () => {
  await assertRejects(
    client.embedding.load(LLM),
    /to be an embedding model, but it is actually an LLM/,
  );
});
