import { readFileSync } from "node:fs";

/**
 * A file that a page of docs/ shows in a block, whose first line names it: `# rivulet.yaml`.
 *
 * @throws {Error} when the page has no such block, or several
 */
export function fileOfPage(page: string, name: string): string {
  const blocks = [...readFileSync(page, "utf8").matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  const found = blocks.filter((block) => block.startsWith(`# ${name}\n`));
  if (found.length !== 1) throw new Error(`${page} has ${found.length} blocks that begin with # ${name}, expected one`);
  return found[0] as string;
}
