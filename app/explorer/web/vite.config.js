import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip as gzipCompress } from 'node:zlib';
import { defineConfig } from 'vite';

const brotli = promisify(brotliCompress);
const gzip = promisify(gzipCompress);

/** Turns fonts inlined in a stylesheet into files: the browser then loads only those that the page's text needs. */
function fontFiles() {
  return {
    name: 'font-files',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'asset' && file.fileName.endsWith('.css')) {
          file.source = String(file.source).replace(
            /url\(["']?data:font\/(woff2?|ttf);base64,([^)"']+)["']?\)/g,
            (_match, type, data) => {
              const reference = this.emitFile({ type: 'asset', name: `font.${type}`, source: Buffer.from(data, 'base64') });
              return `url(${this.getFileName(reference).split('/').at(-1)})`;
            },
          );
        }
      }
    },
  };
}

/** Packs every file that shrinks by it as brotli and as gzip, and keeps these two alone: the wheel stays small. */
function precompress() {
  return {
    name: 'precompress',
    async writeBundle({ dir }, bundle) {
      const names = Object.keys(bundle).filter((name) => /^graphql-assets\/.*\.(js|css|svg|ttf)$/.test(name));
      const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }; // 11 saves a tenth and takes seven seconds
      await Promise.all(
        names.map(async (name) => {
          const path = join(dir, name);
          const bytes = await readFile(path);
          await writeFile(`${path}.br`, await brotli(bytes, { params }));
          await writeFile(`${path}.gz`, await gzip(bytes, { level: 9 }));
          await rm(path);
        }),
      );
    },
  };
}

export default defineConfig({
  base: './', // the page finds its files beside its own address, behind any prefix
  build: {
    outDir: process.env.EXPLORER_OUT_DIR ?? '../static',
    emptyOutDir: true,
    assetsDir: 'graphql-assets',
    assetsInlineLimit: 0, // the page's policy takes fonts and scripts from files alone
    chunkSizeWarningLimit: 4096,
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    target: 'es2022',
  },
  plugins: [fontFiles(), precompress()],
});
