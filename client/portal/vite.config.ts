/// One HTML file with everything inline: a page that opens from disk cannot load modules beside it.
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

export default defineConfig({
  root: "src/page",
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: {
    outDir: "../../dist",
    emptyOutDir: true,
    target: "es2022",
    rolldownOptions: { input: "src/page/verify.html" },
  },
});
