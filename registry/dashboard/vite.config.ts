import { defineConfig } from "vite";

// The registry serves the page under a policy without inline code, styles or data: URLs.
export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: { assetsInlineLimit: 0, modulePreload: false, target: "es2020" },
});
