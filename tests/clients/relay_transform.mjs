// What a bundler does with babel-plugin-relay: every graphql`…` becomes an import of what relay-compiler made of it.
import { readFileSync, writeFileSync } from "node:fs";

import { transformSync } from "@babel/core";

for (const path of process.argv.slice(2)) {
  const { code } = transformSync(readFileSync(path, "utf8"), {
    filename: path,
    babelrc: false,
    configFile: false,
    parserOpts: { plugins: ["typescript"] },
    plugins: [["relay", { eagerEsModules: true }]],
  });
  writeFileSync(path, code);
}
