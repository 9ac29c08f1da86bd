// Validates an AsyncAPI document with the AsyncAPI Initiative's own parser.
// Usage: node asyncapi.mjs PATH_TO_PARSER_MODULE DOCUMENT
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [modules, document] = process.argv.slice(2);
const { Parser } = createRequire(`${modules}/`)('@asyncapi/parser');
const { document: parsed, diagnostics } = await new Parser().parse(readFileSync(document, 'utf8'));
const errors = diagnostics.filter((d) => d.severity === 0);
for (const e of errors) console.error(`${e.path.join('/')}: ${e.message}`);
if (errors.length > 0 || !parsed) process.exit(1);
console.log(`${document}: valid AsyncAPI ${parsed.version()}, ${parsed.allMessages().length} messages`);
