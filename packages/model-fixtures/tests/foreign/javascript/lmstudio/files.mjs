import assert from "node:assert/strict";
import { join } from "node:path";

import { test } from "../case_list.mjs";
import { assertRejects, client, EMBEDDING, shared } from "../lmstudio.mjs";
import { settings } from "../settings.mjs";

const MARKDOWN = "# Animals\n\nA cat sits on the mat and purrs.";

function prepare(name, text) {
  return client.files.prepareFileBase64(name, Buffer.from(text).toString("base64"));
}

test("file: prepared", "A file on disk is uploaded with its name, size and type.", async () => {
  const file = await client.files.prepareFile(join(settings.folder, "money.txt"));
  assert.equal(file.name, "money.txt");
  assert.equal(file.type, "text/plain");
  assert.equal(file.sizeBytes, 54);
  assert.equal(file.isImage(), false);
});

test("file: missing", "A file that does not exist is an error that names it.", async () => {
  await assertRejects(
    client.files.prepareFile(join(settings.folder, "nothing.txt")),
    /nothing\.txt/,
  );
});

test(
  "document: Markdown",
  "A text document is parsed to its text, with progress and the parser's name.",
  async () => {
    const file = await prepare("animals.md", MARKDOWN);
    let loaded = null;
    const progress = [];
    const { content, parser } = await client.files.parseDocument(file, {
      onParserLoaded: (library) => (loaded = library),
      onProgress: (value) => progress.push(value),
    });
    assert.equal(content, MARKDOWN);
    assert.deepEqual(loaded, parser);
    assert.deepEqual(await client.files.getDocumentParsingLibrary(file), parser);
    assert.equal(progress.at(-1), 1);
  },
);

test("document: PDF", "The text of a PDF is found.", async () => {
  const file = await client.files.prepareFile(join(settings.folder, "report.pdf"));
  assert.equal(file.type, "application/pdf");
  const { content } = await client.files.parseDocument(file);
  assert.match(content, /Penguins live in the south/);
});

test(
  "document: other parser",
  "A parser that does not exist is an error that names it.",
  async () => {
    const file = await prepare("animals.md", MARKDOWN);
    const parserId = { library: "nobody", version: "1" };
    await assertRejects(client.files.parseDocument(file, { parserId }), /nobody/);
  },
);

test(
  "retrieval: order",
  "The chunk that answers the question comes first, with its source and score.",
  async () => {
    const files = [
      await prepare("animals.md", MARKDOWN),
      await prepare("money.txt", "Share prices fell sharply on the stock exchange today."),
    ];
    const seen = [];
    const { entries } = await client.files.retrieve("Which animal purrs?", files, {
      embeddingModel: await shared(EMBEDDING),
      limit: 2,
      onFileProcessList: (list) => seen.push(["list", list.length]),
      onFileProcessingStart: (file) => seen.push(["start", file.name]),
      onFileProcessingEnd: (file) => seen.push(["end", file.name]),
      onSearchingStart: () => seen.push(["search"]),
      onSearchingEnd: () => seen.push(["found"]),
    });
    assert.equal(entries.length, 2);
    assert.equal(entries[0].source.name, "animals.md");
    assert.match(entries[0].content, /purrs/);
    assert.ok(entries[0].score > entries[1].score);
    assert.deepEqual(seen[0], ["list", 2]);
    assert.deepEqual(seen.slice(-2), [["search"], ["found"]]);
    for (const name of ["animals.md", "money.txt"]) {
      assert.ok(seen.some(([kind, file]) => kind === "start" && file === name));
      assert.ok(seen.some(([kind, file]) => kind === "end" && file === name));
    }
  },
);

test("retrieval: chunks", "A small chunk size cuts a text into several chunks.", async () => {
  const file = await prepare("long.txt", "The cat sleeps. The dog barks. ".repeat(20));
  const { entries } = await client.files.retrieve("Who barks?", [file], {
    embeddingModel: await shared(EMBEDDING),
    chunkingMethod: { type: "recursive-v1", chunkSize: 64, chunkOverlap: 0 },
    limit: 3,
  });
  assert.equal(entries.length, 3);
  assert.ok(entries.every((entry) => entry.content.length < 620));
});

test(
  "retrieval: abort",
  "A retrieval whose signal is aborted rejects with the signal's reason.",
  async () => {
    const file = await prepare("animals.md", MARKDOWN);
    const aborter = new AbortController();
    const retrieving = client.files.retrieve("Who purrs?", [file], {
      embeddingModel: await shared(EMBEDDING),
      signal: aborter.signal,
      onFileProcessList: () => aborter.abort(new Error("never mind")),
    });
    await assertRejects(retrieving, /never mind/);
  },
);
