// node bundle.mjs FOLDER: make FOLDER/page.js and FOLDER/page.css from what FOLDER has installed.
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [folder] = process.argv.slice(2);
const { build } = createRequire(resolve(folder, 'package.json'))('esbuild');

await build({
  entryPoints: [join(dirname(fileURLToPath(import.meta.url)), 'page.jsx')],
  outfile: join(folder, 'page.js'),
  nodePaths: [resolve(folder, 'node_modules')],
  bundle: true,
  minify: true,
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}', global: 'window' },
  loader: { '.woff': 'empty', '.ttf': 'empty', '.woff2': 'dataurl', '.svg': 'dataurl' },
  logLevel: 'error',
});
