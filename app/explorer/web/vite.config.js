import { defineConfig } from 'vite';

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
  plugins: [fontFiles()],
});
