// Registers a development plugin and runs it, as `lms dev` does:
//
//     node run_plugin.mjs BASE_URL PLUGIN OWNER/NAME
//
// BASE_URL is the server's, such as ws://127.0.0.1:1234, and PLUGIN the path of a module in
// plugins/. One line is written for each event: `registered`, `ready` once the plugin's hooks are
// open, `ended` last. The end of stdin or an interrupt ends the plugin and then the registration.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LMStudioClient } from "@lmstudio/sdk";

const [baseUrl, plugin, identifier] = process.argv.slice(2);
const [owner, name] = identifier.split("/");

const client = new LMStudioClient({ baseUrl });
const registration = await client.plugins.registerDevelopmentPlugin({
  manifest: { type: "plugin", runner: "node", owner, name },
});
console.log("registered", registration.baseUrl);

const child = spawn(
  process.execPath,
  [fileURLToPath(new URL("plugin_process.mjs", import.meta.url)), resolve(plugin)],
  {
    env: {
      ...process.env,
      LMS_PLUGIN_CLIENT_IDENTIFIER: registration.clientIdentifier,
      LMS_PLUGIN_CLIENT_PASSKEY: registration.clientPasskey,
      // A server that sends no base URL is the one on which this program has registered.
      LMS_PLUGIN_BASE_URL: registration.baseUrl ?? baseUrl,
    },
    stdio: ["ignore", "inherit", "inherit"],
  },
);
const end = () => child.kill();
process.stdin.on("end", end).resume();
process.on("SIGINT", end);
process.on("SIGTERM", end);
child.on("exit", async () => {
  await registration.unregister();
  console.log("ended");
  process.exit();
});
