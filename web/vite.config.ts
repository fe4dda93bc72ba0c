import { svelte } from '@sveltejs/vite-plugin-svelte';
import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

// `PORT=8080 TOKEN=... npm run dev` serves the page from its sources and sends /api to a running studio.
export default defineConfig(({ mode }) => {
  const { PORT = '8080', TOKEN = '' } = loadEnv(mode, '.', ['PORT', 'TOKEN']);
  const studio = `http://127.0.0.1:${PORT}`;
  return {
    base: './',
    plugins: [svelte()],
    build: {
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1000,
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
