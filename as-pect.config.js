/** Settings of as-pect, which compiles the specs of the assembly sources and runs them. */
export default {
  entries: ["test/assembly/**/*.spec.ts"],
  include: ["test/assembly/**/*.include.ts"],
  disclude: [/node_modules/],
  /** as-covers makes the run slower and its table long, so only `npm run test:coverage` asks for it. */
  coverage: process.env.npm_lifecycle_event === "test:coverage" ? ["assembly/**/*.ts"] : undefined,
  async instantiate(memory, createImports, instantiate, binary) {
    // The step of a model, which assembly/mcu/selftest.ts calls, is the function of this name that its spec exports.
    const step = () => module.instance.exports.step();
    const module = await instantiate(binary, createImports({ env: { memory }, selftest: { step } }));
    return module;
  },
  outputBinary: false,
};
