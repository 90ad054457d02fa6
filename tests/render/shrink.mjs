// node shrink.mjs FOLDER PICTURE...: write each PNG anew with a palette of 256 colours.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const COLOURS = 256;
const [folder, ...pictures] = process.argv.slice(2);
const png = createRequire(resolve(folder, 'package.json'))('upng-js');

for (const picture of pictures) {
  const { width, height, ...decoded } = png.decode(readFileSync(picture));
  const [pixels] = png.toRGBA8({ width, height, ...decoded });
  writeFileSync(picture, Buffer.from(png.encode([pixels], width, height, COLOURS)));
}
