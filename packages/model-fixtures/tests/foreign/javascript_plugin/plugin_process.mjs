// The process of a plugin; run_plugin.mjs starts it. It does what the entry file does that
// `lms dev` generates: it gives the plugin's `main` a context, and then says that all hooks are open.
import { pathToFileURL } from "node:url";
import { LMStudioClient } from "@lmstudio/sdk";

const client = new LMStudioClient({
  baseUrl: process.env.LMS_PLUGIN_BASE_URL,
  clientIdentifier: process.env.LMS_PLUGIN_CLIENT_IDENTIFIER,
  clientPasskey: process.env.LMS_PLUGIN_CLIENT_PASSKEY,
});
globalThis.__LMS_PLUGIN_CONTEXT = true; // from here on, plugins may not make clients of their own
const host = client.plugins.getSelfRegistrationHost();
const { main } = await import(pathToFileURL(process.argv[2]));

const settings = [];
const context = {
  withConfigSchematics: (schematics) => {
    settings.push(host.setConfigSchematics(schematics));
    return context;
  },
  withGlobalConfigSchematics: (schematics) => {
    settings.push(host.setGlobalConfigSchematics(schematics));
    return context;
  },
  withPromptPreprocessor: (preprocess) => {
    host.setPromptPreprocessor(preprocess);
    return context;
  },
  withToolsProvider: (provide) => {
    host.setToolsProvider(provide);
    return context;
  },
  withGenerator: (generate) => {
    host.setGenerator(generate);
    return context;
  },
  withPredictionLoopHandler: (handle) => {
    host.setPredictionLoopHandler(handle);
    return context;
  },
};
await main(context);
await Promise.all(settings);
await host.initCompleted();
console.log("ready");
