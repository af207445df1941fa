// What the WebAssembly engine can, and modules compiled by it.

/** A module with one function that uses a v128: valid only where the engine has SIMD. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** Tells whether this engine runs the SIMD builds. */
export const hasSimd = (): boolean => WebAssembly.validate(SIMD_PROBE);

/** What engines say where the policy of a page forbids WebAssembly: each in its own words, of its own class. */
const FORBIDDEN = /unsafe-eval|content.security.policy|\bCSP\b|disallowed by embedder/i;

/**
 * Compiles a module.
 *
 * @throws {Error} when the page's Content-Security-Policy forbids WebAssembly
 */
export function compileModule(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    if (!(cause instanceof Error) || !FORBIDDEN.test(cause.message)) throw cause;
    throw new Error(
      "The page's Content-Security-Policy forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src, which allows no eval of JavaScript",
      { cause },
    );
  }
}
