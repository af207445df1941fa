import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/** Paths of the sources below assembly/, host/ and tools/, as in `host/model/model.ts`. */
function sources(extension: RegExp): string[] {
  return ["assembly", "host", "tools"].flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((file) => extension.test(file))
      .map((file) => path.posix.join(root, file)),
  );
}

const place = (node: ts.Node): string => {
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return `${path.relative(".", source.fileName)}:${line + 1}`;
};

const isExported = (node: ts.FunctionDeclaration | ts.ClassDeclaration): boolean =>
  (node.modifiers ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** Places of the exported functions and classes of a file that have no docstring. */
function undocumentedCode(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  return source.statements
    .filter((node) => ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node))
    .filter((node) => isExported(node) && ts.getJSDocCommentsAndTags(node).length === 0)
    .map(place);
}

/** Places of everything that a module exports, itself or from others, that has no docstring. */
function undocumentedExports(entry: string): string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    "tsconfig.json",
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} },
  );
  const program = ts.createProgram([entry], config?.options ?? {});
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} is no module`);
  return checker.getExportsOfModule(module).flatMap((symbol) => {
    const origin = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if (origin.getDocumentationComment(checker).length > 0) return [];
    return [`${symbol.name} of ${origin.declarations?.map(place).join(", ") ?? entry}`];
  });
}

/** The files that ARCHITECTURE.md names: a heading such as "### host/runtime/", then a line "- `model.ts`: …" per file. */
function mappedFiles(): string[] {
  let folder = "";
  return readFileSync("ARCHITECTURE.md", "utf8")
    .split("\n")
    .flatMap((line) => {
      folder = line.match(/^#+ `?([\w-]+\/(?:[\w-]+\/)*)`?/)?.[1] ?? folder;
      const file = line.match(/^- `([\w.-]+\.(?:tsx?|mjs|py))`/)?.[1];
      return file === undefined ? [] : [folder + file];
    });
}

describe("docstrings", () => {
  it("stand above every exported function and class of assembly/, host/ and tools/", () => {
    expect(sources(/\.tsx?$/).flatMap(undocumentedCode)).toEqual([]);
  });

  it.each(["host/index.ts", "host/host.ts", "host/runtime/index.ts", "host/quantize/index.ts", "host/train/index.ts"])(
    "stand above everything that %s exports",
    (entry) => {
      expect(undocumentedExports(entry)).toEqual([]);
    },
  );
});

describe("ARCHITECTURE.md", () => {
  it("has a line for every source file and for no other", () => {
    expect(mappedFiles().sort()).toEqual(sources(/\.(tsx?|mjs|py)$/).sort());
  });
});
