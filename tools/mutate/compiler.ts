import path from "node:path";
import ts from "typescript";
import { CliError } from "../errors.ts";

/** The type checker of the checkout, which knows a source with a change in it. */
export interface Compiler {
  source(file: string): ts.SourceFile;
  checker(): ts.TypeChecker;
  /** Whether a file still compiles with this text. */
  compiles(file: string, text: string): boolean;
}

/** Reads the sources of a configuration of TypeScript. */
export function openCompiler(config: string): Compiler {
  const parsed = ts.getParsedCommandLineOfConfigFile(
    config,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} },
  );
  if (parsed === undefined) throw new Error(`${config} cannot be read`);
  const changed = { file: "", text: "", version: 0 };
  const service = ts.createLanguageService({
    getCompilationSettings: () => parsed.options,
    getScriptFileNames: () => parsed.fileNames,
    getScriptVersion: (file) => (file === changed.file ? String(changed.version) : "0"),
    getScriptSnapshot: (file) => {
      const text = file === changed.file ? changed.text : ts.sys.readFile(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => process.cwd(),
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
  const program = () => service.getProgram() as ts.Program;
  return {
    source(file) {
      const source = program().getSourceFile(path.resolve(file));
      if (source === undefined) throw new CliError(`${file} is not part of ${config}`);
      return source;
    },
    checker: () => program().getTypeChecker(),
    compiles(file, text) {
      const full = path.resolve(file);
      Object.assign(changed, { file: full, text, version: changed.version + 1 });
      return service.getSyntacticDiagnostics(full).length === 0 && service.getSemanticDiagnostics(full).length === 0;
    },
  };
}
