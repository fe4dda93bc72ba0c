import { svelte } from '@sveltejs/vite-plugin-svelte';
import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

// The page is built into PAGE_OUT; the worker of a page that carries its model is a second build into the same folder, one
// file without imports, since that page holds it as text.
const worker = {
  emptyOutDir: false,
  copyPublicDir: false,
  target: 'es2022',
  lib: {
    entry: 'src/live/live_worker.ts',
    formats: ['iife' as const],
    name: 'worker',
    fileName: () => 'live/worker.js',
  },
};

const page = {
  emptyOutDir: true,
  target: 'es2022',
  assetsInlineLimit: 0,
  modulePreload: { polyfill: false },
  chunkSizeWarningLimit: 1000,
};

// `PORT=8080 TOKEN=... npm run dev` serves the page from its sources and sends /api to a running studio.
export default defineConfig(({ mode }) => {
  const { PORT = '8080', TOKEN = '', PAGE_OUT = 'dist' } = loadEnv(mode, '.', ['PORT', 'TOKEN', 'PAGE_OUT']);
  const studio = `http://127.0.0.1:${PORT}`;
  return {
    base: './',
    plugins: [svelte()],
    build: {
      outDir: PAGE_OUT,
      ...(mode === 'worker' ? worker : page),
    },
    server: {
      proxy: {
        '/api': {
          target: studio,
          changeOrigin: true,
          headers: { Origin: studio, Authorization: `Bearer ${TOKEN}` },
        },
      },
    },
    test: { include: ['src/**/*.test.ts'] },
  };
});
