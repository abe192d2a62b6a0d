// Prints the YAML files of the arguments as one JSON list; a file that is no YAML, or repeats a key, is an error.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

process.stdout.write(JSON.stringify(process.argv.slice(2).map((path) => parse(readFileSync(path, 'utf8')))));
