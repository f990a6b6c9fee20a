import assert from "node:assert/strict";

import { test } from "../case_list.mjs";
import { assertRejects, client, newClient, sdk, shared, TOOL_LLM, z } from "../lmstudio.mjs";

const OWNER = "foreign";
const silent = () => {};
const SILENT = { info: silent, warn: silent, error: silent, debug: silent };

/** Register a development plugin, have `setUp` give it its hooks, and call `use` with its name. */
async function withPlugin(name, setUp, use) {
  const manifest = { type: "plugin", runner: "node", owner: OWNER, name };
  const registered = await client.plugins.registerDevelopmentPlugin({ manifest });
  // The server closes the plugin's connections with its registration, of which this client warns.
  const plugin = newClient({
    logger: SILENT,
    clientIdentifier: registered.clientIdentifier,
    clientPasskey: registered.clientPasskey,
  });
  try {
    const host = plugin.plugins.getSelfRegistrationHost();
    await setUp(host);
    await host.initCompleted();
    return await use(`${OWNER}/${name}`);
  } finally {
    await registered.unregister();
  }
}

const addingTools = (host) =>
  host.setToolsProvider(async () => [
    sdk.tool({
      name: "add",
      description: "Add two numbers.",
      parameters: { a: z.number().int(), b: z.number().int() },
      implementation: ({ a, b }) => String(a + b),
    }),
  ]);

test(
  "plugins: tools provider",
  "A client sees a plugin's tools with their schemas, and calls them.",
  async () => {
    await withPlugin("adding", addingTools, async (identifier) => {
      const session = await client.plugins.pluginTools(identifier);
      const [add] = session.tools;
      assert.equal(session.tools.length, 1);
      assert.equal(add.name, "add");
      assert.equal(add.description, "Add two numbers.");
      assert.equal(add.pluginIdentifier, identifier);
      assert.deepEqual(add.parametersJsonSchema.required, ["a", "b"]);
      const seen = {
        status: () => {},
        warn: () => {},
        signal: new AbortController().signal,
        callId: 1,
      };
      assert.equal(await add.implementation({ a: 5, b: 7 }, seen), "12");
      session[Symbol.dispose]();
    });
  },
);

test(
  "plugins: act with a plugin's tools",
  "The model calls a tool of a plugin and reports its result.",
  async () => {
    await withPlugin("acting", addingTools, async (identifier) => {
      const session = await client.plugins.pluginTools(identifier);
      const messages = [];
      const model = await shared(TOOL_LLM);
      await model.act("What is the sum of 123 and 3210?", session.tools, {
        temperature: 0,
        onMessage: (message) => messages.push(message),
      });
      assert.match(messages.at(-1).getText(), /3333/);
      session[Symbol.dispose]();
    });
  },
);

test("plugins: generator", "A plugin's generator writes the answer, in pieces.", async () => {
  const generator = async (controller, history) => {
    controller.fragmentGenerated("You said ");
    controller.fragmentGenerated(`"${history.at(-1).getText()}".`);
  };
  const setUp = (host) => host.setGenerator(generator);
  await withPlugin("echo", setUp, async (identifier) => {
    const handle = client.plugins.createGeneratorHandle(identifier);
    const pieces = [];
    const result = await handle.respond("Hello", {
      onPredictionFragment: (fragment) => pieces.push(fragment.content),
    });
    assert.deepEqual(pieces, ["You said ", '"Hello".']);
    assert.equal(result.content, 'You said "Hello".');
  });
});

test(
  "plugins: configuration",
  "A tools provider reads the configuration that its client gives.",
  async () => {
    const schematics = sdk
      .createConfigSchematics()
      .field("greeting", "string", { displayName: "Greeting" }, "Hello")
      .build();
    const setUp = async (host) => {
      await host.setConfigSchematics(schematics);
      host.setToolsProvider(async (controller) => [
        sdk.tool({
          name: "greet",
          description: "Greet.",
          parameters: {},
          implementation: () => controller.getPluginConfig(schematics).get("greeting"),
        }),
      ]);
    };
    await withPlugin("greeting", setUp, async (identifier) => {
      const session = await client.plugins.pluginTools(identifier);
      const seen = {
        status: () => {},
        warn: () => {},
        signal: new AbortController().signal,
        callId: 1,
      };
      assert.equal(await session.tools[0].implementation({}, seen), "Hello");
      session[Symbol.dispose]();
    });
  },
);

test(
  "plugins: unknown",
  "The tools of a plugin that nobody has are an error that names it.",
  async () => {
    await assertRejects(client.plugins.pluginTools("nobody/nothing"), /nobody\/nothing/);
  },
);

test("plugins: reindex", "A client may ask for the plugins to be read again.", async () => {
  await client.plugins.reindexPlugins();
});
